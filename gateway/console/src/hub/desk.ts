// What a signed-in person's pages are made of, loaded once and kept fresh: alerts,
// the people they are about, cases, sources, who is on duty. Held in memory only, and
// gone at sign-out.
import type { GlassEntry } from "../../gen/concordat/access/v1/glass_pb";
import type { Alert, FeedReport, ListAlertsResponse } from "../../gen/concordat/alerts/v1/service_pb";
import type { OpenApproval } from "../../gen/concordat/bus/v1/approval_pb";
import type { AgreementState } from "../../gen/concordat/bus/v1/service_pb";
import type { Item } from "../../gen/concordat/edge/v1/service_pb";
import type {
  PersonDescription, PersonInvolved, Review, RoleStanding,
} from "../../gen/concordat/identity/v1/service_pb";
import type { Case, Notification, Referral } from "../../gen/concordat/mappa/v1/service_pb";
import type { SharingDecision } from "../../gen/concordat/nhs/v1/service_pb";
import { AlertBook } from "../today/alert_book";
import { micros } from "../words/dates";
import { AlertFeed, type FeedState } from "./feed";
import type { HubError } from "./http";
import { HubTime } from "./hub_time";
import {
  alerts, approvals, background, bus, edge, glass, identity, mappa, nhs, problem, requestId,
} from "./services";
import { keepDraft, readDraft, type Session } from "./session";

// Each loads by itself and may fail by itself.
export type Part =
  | "alerts" | "people" | "cases" | "feeds" | "roles" | "agreements" | "held" | "reviews"
  | "sharing" | "approvals" | "openings";

const kLastHereKey = "last-here";
const kTimeWaitMs = 3_000;
const kAwayMs = 30 * 60_000;
// How old what is on the page may become, by the page's time and by the machine's.
const kRefreshMs = 60_000;
const kDayMs = 86_400_000;

export function isOperator(session: Session): boolean {
  return session.role === "operator";
}
export function isCoordinator(session: Session): boolean {
  return session.role === "coordinator";
}
export function isLiaison(session: Session): boolean {
  return session.role === "nhs-liaison";
}

// Answers for how people use the hub: openings and who looked, and no case.
export function isGuardian(session: Session): boolean {
  return session.role === "guardian";
}
// Reviews who was opened without an interest.
export function isReviewer(session: Session): boolean {
  return isCoordinator(session) || isGuardian(session);
}

// As many as one call takes.
function hundreds(subjects: string[]): string[][] {
  const pieces: string[][] = [];
  for (let at = 0; at < subjects.length; at += 100) pieces.push(subjects.slice(at, at + 100));
  return pieces;
}

export class Desk {
  session: Session;
  readonly time: HubTime;
  readonly book = new AlertBook();
  feed: FeedState = { kind: "starting", checkedAt: undefined, upTo: undefined };
  people = new Map<string, PersonDescription>();
  involved = new Map<string, PersonInvolved>();
  cases = new Map<string, Case>();
  notifications: Notification[] = [];
  // Decided ones too.
  referrals: Referral[] = [];
  feeds: FeedReport[] = [];
  roles: RoleStanding[] = [];
  agreements: AgreementState[] = [];
  held: Item[] = [];
  reviews: Review[] = [];
  // In force.
  sharing: SharingDecision[] = [];
  // What waits for another person, of the kinds that the reader may agree to.
  waitingActs: OpenApproval[] = [];
  agreeKinds: string[] = [];
  // Of people without an interest: the reviewer's register.
  openings: GlassEntry[] = [];
  loaded = new Set<Part>();
  problems = new Map<Part, HubError>();
  // Where the reader's newest sharing decision stands: an edge reads up to there.
  decidedAt = 0n;
  // When the reader was here before this visit.
  lastHere: Date | undefined;
  // To be said politely, once.
  announcement = "";
  // Grows whenever all is read again: a room that loads for itself follows it.
  round = 0;

  #listeners = new Set<() => void>();
  #feed: AlertFeed;
  // The story's time when all was read at its newest leap.
  #restAt: Date | undefined;
  #asked = new Set<string>();
  #shown = new Set<string>();
  #timer = 0;
  #ended = false;
  #arranged = false;

  constructor(session: Session) {
    this.session = session;
    this.time = new HubTime(session.environment, (now) => this.#moved(now));
    this.#feed = new AlertFeed(
      {
        changed: (state) => {
          this.feed = state;
          this.#tell();
        },
        listed: (list) => this.#listed(list),
        came: (alert) => this.#came(alert),
        failed: (error) => {
          this.problems.set("alerts", problem(error));
          this.#tell();
        },
      },
      this.time,
    );
  }

  now(): Date {
    return this.time.now();
  }

  // A story's time leaps: what was read at the old one does not hold any more. The
  // first that is heard of it is what the first reading waits for.
  #moved(now: Date): void {
    this.#restAt ??= now;
    if (now.getTime() - this.#restAt.getTime() < kRefreshMs) return;
    this.#restAt = now;
    this.loadRest();
    this.#feed.refreshSoon();
  }

  // When somebody is on duty; 0: the world's now. In a demo the story's, which the
  // first list of alerts tells.
  async #dutyTime(): Promise<bigint> {
    if (this.time.isReal) return 0n;
    await Promise.race([
      this.time.known,
      new Promise((resolve) => window.setTimeout(resolve, kTimeWaitMs)),
    ]);
    return micros(this.now());
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // Something beside the desk changed how it is shown.
  redraw(): void {
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  async start(): Promise<void> {
    void this.#feed.start();
    this.loadRest();
    this.#timer = window.setInterval(() => {
      this.loadRest();
      void this.#keepHere().catch(() => {});
    }, kRefreshMs);
  }

  stop(): void {
    this.#ended = true;
    this.#feed.stop();
    window.clearInterval(this.#timer);
    this.#listeners.clear();
  }

  // Everything but the alerts.
  loadRest(): void {
    const { session } = this;
    this.round += 1;
    void this.#load("feeds", async () => {
      this.feeds = (await alerts.listFeeds({}, background)).feeds;
    });
    void this.#load("agreements", async () => {
      this.agreements = (await bus.listAgreements({}, background)).agreements;
    });
    this.loadApprovals();
    if (isOperator(session)) return;
    if (isReviewer(session)) this.loadOpenings();
    if (!isGuardian(session)) this.loadCases();
    void this.#load("roles", async () => {
      this.roles = (await identity.listRoles({ at: await this.#dutyTime() }, background)).roles;
    });
    void this.#load("people", () => this.#involve([...this.involved.keys()]));
    if (isLiaison(session)) this.loadLiaison();
  }

  loadApprovals(): void {
    void this.#load("approvals", async () => {
      const list = await approvals.listApprovals({}, background);
      this.waitingActs = list.approvals;
      this.agreeKinds = list.kinds;
    });
  }

  loadOpenings(): void {
    void this.#load("openings", async () => {
      this.openings = (await glass.listGlass({}, background)).entries;
      await this.know(this.openings.map((entry) => entry.subject));
    });
  }

  loadCases(minPosition = 0n): void {
    void this.#load("cases", async () => {
      const list = await mappa.listCases({ minPosition }, background);
      this.cases = new Map(list.cases.map((one) => [one.subject, one]));
      const [referrals, notifications] = await Promise.all([
        mappa.listReferrals({ minPosition, withDecided: true }, background),
        mappa.listNotifications({ minPosition }, background),
      ]);
      this.referrals = referrals.referrals;
      this.notifications = notifications.notifications;
      await this.know([
        ...this.cases.keys(),
        ...this.referrals.map((one) => one.subject),
        ...this.notifications.map((one) => one.subject),
      ]);
    });
  }

  // Never older than what the reader decided here.
  loadLiaison(minPosition = this.decidedAt): void {
    void this.#load("held", async () => {
      this.held = (await edge.listRejects({}, background)).items;
      await this.know(this.held.map((item) => item.subject));
    });
    void this.#load("reviews", async () => {
      this.reviews = (await identity.listReviews({}, background)).reviews;
      await this.know(this.reviews.map((review) => review.subject));
    });
    void this.#load("sharing", async () => {
      const list = await nhs.listSharingDecisions(
        { minPosition, at: await this.#dutyTime() }, background);
      this.sharing = list.decisions;
      await this.know(this.sharing.map((decision) => decision.subject));
    });
  }

  async #load(part: Part, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.problems.delete(part);
      this.loaded.add(part);
    } catch (error) {
      this.problems.set(part, problem(error));
    }
    if (!this.#ended) this.#tell();
  }

  // Names and who answers for them, of those who are not known yet.
  async know(subjects: string[]): Promise<void> {
    const fresh = [...new Set(subjects)].filter((one) => one && !this.#asked.has(one));
    if (fresh.length === 0) return;
    for (const one of fresh) this.#asked.add(one);
    for (const some of hundreds(fresh)) {
      await this.#load("people", async () => {
        try {
          const [described] = await Promise.all([
            identity.describeMany({ subjects: some, purpose: "" }, background),
            this.#involve(some),
          ]);
          for (const person of described.people) this.people.set(person.subject, person);
        } catch (error) {
          for (const one of some) this.#asked.delete(one);
          throw error;
        }
      });
    }
  }

  // Who answers for them, and who is on duty for whoever does.
  async #involve(subjects: string[]): Promise<void> {
    const at = await this.#dutyTime();
    for (const some of hundreds(subjects)) {
      const { people } = await identity.listInvolved({ subjects: some, at }, background);
      for (const person of people) this.involved.set(person.subject, person);
    }
  }

  #listed(list: ListAlertsResponse): void {
    const first = !this.#arranged;
    this.book.list(list.alerts);
    if (first) {
      this.#arranged = true;
      this.book.arrange();
      void this.#findLastHere();
    }
    this.problems.delete("alerts");
    this.loaded.add("alerts");
    this.#tell();
    void this.know(list.alerts.map((alert) => alert.subject)).then(() => this.#tell());
  }

  #came(alert: Alert): void {
    const onTop = this.book.change(alert);
    if (onTop) this.announcement = "A critical alert has come to the top of Act now.";
    this.#tell();
    void this.know([alert.subject]).then(() => this.#tell());
  }

  // The reader asks for what waits.
  arrange(): void {
    this.book.arrange();
    this.#tell();
  }

  // What the hub answered to the reader's own act.
  acted(alert: Alert): void {
    this.book.change(alert);
    this.book.arrange();
    this.#feed.refreshSoon();
    this.#tell();
  }

  // Records that an alert was put in front of the reader; once for each, and only when
  // somebody can see the page.
  shown(alert: Alert): void {
    if (document.visibilityState !== "visible" || this.#shown.has(alert.alertRef)) return;
    this.#shown.add(alert.alertRef);
    alerts
      .showAlert(
        { alertRef: alert.alertRef, command: { requestId: `show-${requestId()}` } }, background)
      .then(
        (answer) => {
          this.book.change(answer);
          this.#tell();
        },
        () => this.#shown.delete(alert.alertRef),
      );
  }

  // Since when the reader has not been here; a day, when that is not known.
  since(): Date {
    return this.lastHere ?? new Date(this.now().getTime() - kDayMs);
  }

  async #findLastHere(): Promise<void> {
    const now = this.now();
    try {
      const before = await readDraft(kLastHereKey);
      const seen = before?.seen ? new Date(before.seen) : undefined;
      const since = before?.since ? new Date(before.since) : undefined;
      const away = seen && now.getTime() - seen.getTime() >= kAwayMs;
      this.lastHere = away ? seen : since;
      await this.#keepHere();
    } catch {
      // Then it is a day.
    }
    this.#tell();
  }

  #keepHere(): Promise<void> {
    const here = {
      seen: this.now().toISOString(),
      ...(this.lastHere ? { since: this.lastHere.toISOString() } : {}),
    };
    return keepDraft(kLastHereKey, here, true);
  }
}
