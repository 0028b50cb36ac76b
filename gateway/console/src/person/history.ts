// A person's events as a page tells them: newest first, what was taken back or
// corrected marked so, what came late marked so.
import type { EventView } from "../words/events";
import { sentence } from "../words/events";
import { source } from "../words/names";

const kLateMs = 24 * 3_600_000;

export interface Happening {
  key: string;
  sequence: bigint;
  // When it happened; only the day when the source gave no more.
  at: Date;
  dayOnly: boolean;
  recorded: Date | undefined;
  known: Date;
  // The agency whose fact it is.
  who: string;
  words: string;
  // "correction", "taken back" …, of this one.
  marks: string[];
  // It does not hold any more.
  gone: boolean;
  withheld: string[];
}

function reference(event: EventView, ref: string | undefined): string {
  if (!ref) return "";
  return ref.includes("#") ? ref : `${event.source}#${ref}`;
}

// When its source wrote it down. Nobody writes down after it was known here: such a time
// is of a clock that is not the log's, as in a demo, and says nothing.
function recordedBefore(time: string | undefined, known: Date): Date | undefined {
  const recorded = time ? new Date(time) : undefined;
  return recorded && recorded <= known ? recorded : undefined;
}

export function history(events: EventView[]): Happening[] {
  const retracted = new Set<string>();
  const corrected = new Set<string>();
  for (const event of events) {
    const retracts = reference(event, event.retracts);
    const corrects = reference(event, event.corrects);
    if (retracts) retracted.add(retracts);
    if (corrects) corrected.add(corrects);
  }
  return events
    .map((event) => {
      const key = `${event.source}#${event.id}`;
      const at = new Date(event.time);
      const known = new Date(event.acceptedtime);
      const recorded = recordedBefore(event.recordedtime, known);
      const marks: string[] = [];
      if (event.retracts) marks.push("Takes back what was told before");
      if (event.corrects) marks.push("Correction");
      if (retracted.has(key)) marks.push("Taken back since");
      else if (corrected.has(key)) marks.push("Corrected since");
      if (known.getTime() - at.getTime() > kLateMs) marks.push("Known late");
      if (event.basis === "reported-by-partner") marks.push("Reported by a partner");
      if (event.basis === "suspicion") marks.push("A suspicion");
      if (event.basis === "opinion") marks.push("An opinion");
      if ((event.faults ?? []).length > 0) marks.push("Incomplete: its source has been told");
      return {
        key,
        sequence: BigInt(event.sequence),
        at,
        dayOnly: event.timeprecision === "day" || event.timeprecision === "about",
        recorded,
        known,
        who: source(event.source),
        words: sentence(event),
        marks,
        gone: retracted.has(key) || corrected.has(key),
        withheld: event.withheld ?? [],
      };
    })
    .sort((a, b) => b.at.getTime() - a.at.getTime() || (a.sequence < b.sequence ? 1 : -1));
}

// What this reader is not given, of any type, in plain words.
export function notShared(events: EventView[]): string[] {
  return [...new Set(events.flatMap((event) => event.withheld ?? []))].sort();
}
