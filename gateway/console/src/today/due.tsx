// What has a date: reviews and decisions, in the order of the date; overdue ones first.
import type { Desk } from "../hub/desk";
import { isLiaison } from "../hub/desk";
import { count, Section } from "../parts/basics";
import { personName } from "../parts/person_words";
import { say } from "../words/codes";
import { dayDifference, dayOf, daysLeft, fullDate, moment, when } from "../words/dates";
import { levelWords } from "../words/events";
import { agency } from "../words/names";

const kReviewDays = 28;
const kEndDays = 60;

export interface DueItem {
  key: string;
  words: string;
  left: string;
  overdue: boolean;
  href: string;
  at: number;
}

export function dueItems(desk: Desk): DueItem[] {
  const now = desk.now();
  const items: DueItem[] = [];
  for (const one of desk.cases.values()) {
    const day = dayOf(one.nextReview);
    if (!day || dayDifference(day, now) > kReviewDays) continue;
    const left = daysLeft(day, now);
    items.push({
      key: `review-${one.caseRef}`,
      words: `MAPPA review of ${personName(desk, one.subject)}, ${levelWords(one.level)}: ${fullDate(day)}, as the last meeting set it`,
      left: left.words, overdue: left.overdue, href: `#/person/${one.subject}`, at: day.getTime(),
    });
  }
  for (const one of desk.referrals) {
    if (one.state !== "submitted") continue;
    const at = moment(one.submittedAt);
    const sought = one.submitted?.levelSought;
    items.push({
      key: `referral-${one.referralRef}`,
      words: `Referral of ${personName(desk, one.subject)} by ${agency(one.from)}${
        sought ? `, ${levelWords(sought)} sought` : ""}: to be decided`,
      left: at ? `waiting since ${when(at, now)}` : "", overdue: false, href: "#/cases",
      at: at?.getTime() ?? 0,
    });
  }
  for (const one of desk.notifications) {
    if (one.state !== "waiting") continue;
    const at = moment(one.receivedAt);
    items.push({
      key: `notification-${one.notificationRef}`,
      words: `Notification of ${personName(desk, one.subject)} by ${agency(one.from)}: no case opened yet`,
      left: at ? `waiting since ${when(at, now)}` : "", overdue: false, href: "#/cases",
      at: at?.getTime() ?? 0,
    });
  }
  for (const one of desk.sharing) {
    const day = dayOf(one.decided?.until ?? "");
    if (!day || dayDifference(day, now) > kEndDays) continue;
    items.push({
      key: `sharing-${one.decided!.decisionRef}`,
      words: `Sharing decision for ${personName(desk, one.subject)} (${say("sharing-scope", one.decided!.what)}) ends ${fullDate(day)}`,
      left: daysLeft(day, now).words, overdue: false, href: "#/liaison", at: day.getTime(),
    });
  }
  if (isLiaison(desk.session)) {
    const open = desk.held.filter((item) => item.state === "open");
    const held = open.filter((item) => item.outcome === "held").length;
    const unread = open.length - held;
    if (held > 0) {
      items.push({
        key: "held", words: `${count(held, "message")} from the hospital held for you to decide`,
        left: "", overdue: false, href: "#/liaison", at: 0,
      });
    }
    if (unread > 0) {
      items.push({
        key: "unread", words: `${count(unread, "message")} from the hospital could not be read`,
        left: "", overdue: false, href: "#/liaison", at: 0,
      });
    }
    if (desk.reviews.length > 0) {
      items.push({
        key: "reviews", words: `${count(desk.reviews.length, "question")} of who somebody is, for you to decide`,
        left: "", overdue: false, href: "#/liaison", at: 0,
      });
    }
  }
  return items.sort((a, b) => Number(b.overdue) - Number(a.overdue) || a.at - b.at);
}

export function DueSection({ items }: { items: DueItem[] }) {
  if (items.length === 0) return null;
  return (
    <Section id="due" title="Due" count={items.length}>
      <ul class="cc-lines">
        {items.map((item) => (
          <li key={item.key} class="cc-line">
            <p>
              {item.href ? <a href={item.href}>{item.words}</a> : item.words}
              {item.left && ". "}
              {item.left && (
                <span class={item.overdue ? "cc-overdue" : "cc-left"}>
                  {item.left.charAt(0).toUpperCase() + item.left.slice(1)}
                </span>
              )}
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}
