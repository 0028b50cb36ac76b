// What the reader's sources say of themselves: silent ones, and how far the rest came.
import type { FeedReport } from "../../gen/concordat/alerts/v1/service_pb";
import type { AgreementState } from "../../gen/concordat/bus/v1/service_pb";
import { moment, when } from "../words/dates";

const kNumbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

function numberWord(n: number): string {
  return kNumbers[n] ?? String(n);
}

// "Dundee case files have not come since today 02:00 (expected every day at 02:00, here
// by 06:00). No news is not good news."
export function silentWords(feed: FeedReport, now: Date): string {
  const complete = moment(feed.completeTo);
  const since = complete ? `have not come since ${when(complete, now)}` : "have never come";
  return `${feed.title} ${since} (expected ${feed.expected}). No news is not good news.`;
}

// Those that send: "All sources are sending. Oldest: Dundee case files, today 02:00."
export function sendingWords(feeds: FeedReport[], now: Date): string {
  const silent = feeds.filter((feed) => feed.silentSince !== 0n);
  const sending = feeds.filter((feed) => feed.silentSince === 0n && feed.completeTo !== 0n);
  if (feeds.length === 0) return "";
  const oldest = sending.reduce<FeedReport | undefined>(
    (least, feed) => (!least || feed.completeTo < least.completeTo ? feed : least), undefined);
  const at = oldest && moment(oldest.completeTo);
  const tail = oldest && at ? ` Oldest: ${oldest.title}, ${when(at, now)}.` : "";
  if (silent.length === 0) return `All sources are sending.${tail}`;
  if (sending.length === 0) return "No source is sending.";
  const some = `${numberWord(sending.length)} of ${feeds.length}`;
  const are = sending.length === 1 ? "is" : "are";
  return `${some.charAt(0).toUpperCase()}${some.slice(1)} sources ${are} sending.${tail}`;
}

// The empty state: not a blank page, not a tick.
export function nothingWords(feeds: FeedReport[], now: Date): string {
  if (feeds.length === 0) return "Nothing needs you.";
  if (feeds.some((feed) => feed.silentSince !== 0n)) {
    return "Nothing that is known here needs you, but not every source is sending.";
  }
  const oldest = feeds.reduce((least, feed) => (feed.completeTo < least.completeTo ? feed : least));
  const at = moment(oldest.completeTo);
  const all = feeds.length === 1 ? "The one source is"
    : feeds.length === 2 ? "Both sources are" : `All ${numberWord(feeds.length)} sources are`;
  return `Nothing needs you. ${all} sending; the oldest is ${oldest.title}${at ? `, ${when(at, now)}` : ""}.`;
}

// What is to be told of agreements that end or have ended, in the hub's own words; each
// once. Ended ones first.
export function agreementNotices(agreements: AgreementState[]): { words: string; ended: boolean }[] {
  const told = new Map<string, boolean>();
  for (const { notice, inForce } of agreements) if (notice) told.set(notice, !inForce);
  return [...told].map(([words, ended]) => ({ words, ended }))
    .sort((a, b) => Number(b.ended) - Number(a.ended));
}
