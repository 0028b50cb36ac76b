// The alerts of a page and where each stands on it. Nothing moves under the reader's
// hand: what is new waits until it is asked for, and what changed stays in its place
// until then, with its new content. Only CRITICAL goes to the top by itself.
import type { Alert } from "../../gen/concordat/alerts/v1/service_pb";
import { moment } from "../words/dates";

export type Section =
  // A fact was taken back, and the reader was shown what rested on it.
  | "withdrawn"
  // Addressed or passed on to the reader and not accepted, or accepted and not done in
  // time.
  | "act"
  // Somebody else acts.
  | "information"
  | "accepted"
  | "closed"
  // Ended, and nothing is to be said of it any more.
  | "none";

const kSeverities = ["CRITICAL", "HIGH", "MEDIUM", "LOW"];

export function severityRank(severity: string): number {
  const rank = kSeverities.indexOf(severity);
  return rank < 0 ? kSeverities.length : rank;
}

// The reader has it for information alone, and has not taken it on all the same.
export function forInformation(alert: Alert): boolean {
  return alert.copy && !alert.acceptedByYou;
}

// Somebody who had it passed it on to the reader, who has not taken it on yet.
function isPassedToReader(alert: Alert): boolean {
  return !alert.acceptedByYou && alert.passedOn.some((one) => one.toYou);
}

// The time to accept it is over, or nobody is left to tell.
export function isNotAccepted(alert: Alert, now: Date): boolean {
  if (!["raised", "shown"].includes(alert.state)) return false;
  const limit = moment(alert.acceptBy);
  return limit ? limit < now : alert.escalatedAt !== 0n;
}

export function sectionOf(alert: Alert): Section {
  switch (alert.state) {
    case "withdrawn":
      return alert.withdrawalToAccept ? "withdrawn" : "none";
    case "closed":
      return "closed";
    case "restricted":
      return "information";
    case "accepted":
      // At its date it is back where somebody has to act.
      return (alert.overdue && !forInformation(alert)) || isPassedToReader(alert)
        ? "act" : "accepted";
    default:
      if (alert.acceptedByYou) return "accepted";
      return alert.copy ? "information" : "act";
  }
}

function byMoment(a: bigint, b: bigint): number {
  if (a === b) return 0;
  if (a === 0n) return 1;
  if (b === 0n) return -1;
  return a < b ? -1 : 1;
}

// By harm: what is overdue, then severity, then what has to be accepted first.
function compareAct(a: Alert, b: Alert): number {
  return (
    severityRank(a.severity) - severityRank(b.severity) ||
    byMoment(a.acceptBy, b.acceptBy) ||
    byMoment(a.raisedAt, b.raisedAt)
  );
}

// Overdue first, then the reader's own, then by harm.
function compareAccepted(a: Alert, b: Alert): number {
  const own = (alert: Alert) => alert.acceptances.some((accepted) => accepted.doer?.yours);
  return (
    Number(b.overdue) - Number(a.overdue) ||
    Number(own(b)) - Number(own(a)) ||
    severityRank(a.severity) - severityRank(b.severity) ||
    byMoment(a.actBy, b.actBy) ||
    byMoment(a.raisedAt, b.raisedAt)
  );
}

const kCompare: Partial<Record<Section, (a: Alert, b: Alert) => number>> = {
  withdrawn: (a, b) => byMoment(b.withdrawnAt, a.withdrawnAt),
  accepted: compareAccepted,
  closed: (a, b) => byMoment(b.closedAt, a.closedAt),
};

export interface Waiting {
  fresh: number;
  moved: number;
}

export class AlertBook {
  #alerts = new Map<string, Alert>();
  // In the order of the page.
  #placed = new Map<string, Section>();

  get size(): number {
    return this.#alerts.size;
  }

  alert(ref: string): Alert | undefined {
    return this.#alerts.get(ref);
  }

  // The newest alert about somebody that is known here, whatever became of it.
  all(): Alert[] {
    return [...this.#alerts.values()];
  }

  // The whole list, as the hub has it now.
  list(alerts: Alert[]): void {
    for (const alert of alerts) this.change(alert);
  }

  // One alert as it is now. True: it went to the top by itself.
  change(alert: Alert): boolean {
    const known = this.#alerts.get(alert.alertRef);
    if (known && known.position > alert.position) return false;
    this.#alerts.set(alert.alertRef, alert);
    if (
      alert.severity !== "CRITICAL" ||
      sectionOf(alert) !== "act" ||
      this.#placed.get(alert.alertRef) === "act"
    ) {
      return false;
    }
    this.#placed.delete(alert.alertRef);
    this.#placed = new Map([[alert.alertRef, "act"], ...this.#placed]);
    return true;
  }

  // Puts everything where it belongs: at the start, when the reader asks, and after
  // the reader's own act.
  arrange(): void {
    const sections = new Map<Section, Alert[]>();
    for (const alert of this.#alerts.values()) {
      const section = sectionOf(alert);
      sections.set(section, [...(sections.get(section) ?? []), alert]);
    }
    this.#placed.clear();
    for (const [section, alerts] of sections) {
      alerts.sort(kCompare[section] ?? compareAct);
      for (const alert of alerts) this.#placed.set(alert.alertRef, section);
    }
  }

  in(section: Section): Alert[] {
    const alerts: Alert[] = [];
    for (const [ref, placed] of this.#placed) {
      const alert = this.#alerts.get(ref);
      if (placed === section && alert) alerts.push(alert);
    }
    return alerts;
  }

  // What waits for the reader.
  waiting(): Waiting {
    const waiting = { fresh: 0, moved: 0 };
    for (const alert of this.#alerts.values()) {
      const placed = this.#placed.get(alert.alertRef);
      const now = sectionOf(alert);
      if (placed === undefined) {
        if (now !== "none") waiting.fresh += 1;
      } else if (placed !== now) {
        waiting.moved += 1;
      }
    }
    return waiting;
  }
}

export function waitingWords({ fresh, moved }: Waiting): string {
  const parts: string[] = [];
  if (fresh) parts.push(`${fresh} new`);
  if (moved) parts.push(`${moved} changed`);
  return parts.join(", ");
}

// Those closed after a moment.
export function closedSince(alerts: Alert[], since: Date): Alert[] {
  return alerts.filter((alert) => {
    const at = moment(alert.closedAt);
    return at !== undefined && at.getTime() > since.getTime();
  });
}
