// The page of users.md 9.1 over typed fakes: it reads as written there.
// What catches which bug:
//   a section stands in another place or with another count -> "the co-ordinator's page"
//   a word that is never used                               -> "words that are never used"
//   "Live" over what is not                                 -> "says how the page is connected"
//   one limit said for another's promise                    -> "each who accepted has a limit"
//   the wall counts by a rule of its own                    -> "a wall screen counts what Today shows"
//   silence not told before the alerts                      -> "a source is silent"
//   "You" on a print, which others read                     -> "on paper nobody is you"
//   markup from a field is markup on the page               -> "what people wrote is only text"
import { create } from "@bufbuild/protobuf";
import renderToString from "preact-render-to-string";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { AcceptanceSchema, FeedReportSchema } from "../gen/concordat/alerts/v1/service_pb";
import { PersonDescriptionSchema, PersonInvolvedSchema } from "../gen/concordat/identity/v1/service_pb";
import { CaseSchema } from "../gen/concordat/mappa/v1/service_pb";
import { Desk } from "../src/hub/desk";
import { HubError } from "../src/hub/http";
import type { LiveKind } from "../src/hub/live";
import type { Session } from "../src/hub/session";
import { DeskContext } from "../src/parts/use_desk";
import { connection } from "../src/parts/strip";
import { Wall } from "../src/rooms/wall";
import { limitWords } from "../src/today/alert_card";
import { Today } from "../src/today/today";
import { alert, coordinatorAlerts, feeds, now, p1, p2, p3, p4, us } from "./story";

const session: Session = {
  account: "coordinator", displayName: "M. Carnbee", principal: "coordinator",
  agency: "mappa-tayside", agencyName: "Tayside MAPPA", role: "coordinator",
  purpose: "MAPPA_RISK_MANAGEMENT", environment: "demo", idleSeconds: 900,
  expiresAt: "2025-12-05T17:00:00Z", csrf: "c", recentUntil: null,
};

function story(): Desk {
  const desk = new Desk(session);
  vi.spyOn(desk, "now").mockReturnValue(now);
  vi.spyOn(desk, "shown").mockReturnValue();
  desk.book.list(coordinatorAlerts());
  desk.book.arrange();
  desk.loaded.add("alerts");
  desk.feeds = feeds();
  const people: [string, string, string, string][] = [
    [p1, "Alasdair", "Kinnordy", "1968-02-14"], [p2, "Torquil", "Balnamoon", "1979-03-03"],
    [p3, "Ruaridh", "Inchbare", "1990-05-22"], [p4, "Fearchar", "Dunlappie", "1987-11-09"],
  ];
  for (const [subject, givenName, familyName, birthDate] of people) {
    desk.people.set(subject, create(PersonDescriptionSchema, { subject, givenName, familyName, birthDate }));
  }
  desk.cases.set(p2, create(CaseSchema, {
    caseRef: "C-2", subject: p2, category: "SONR", level: 2, lead: "dundee-city-council",
  }));
  desk.involved.set(p2, create(PersonInvolvedSchema, {
    subject: p2,
    agencies: [{
      agency: "dundee-city-council", unit: "Dundee Justice social work", lead: true,
      contact: { role: "lead-officer", name: "A. Carse", telephone: "01382 000000" },
    }],
  }));
  return desk;
}

function html(desk: Desk): string {
  return renderToString(<DeskContext.Provider value={desk}><Today /></DeskContext.Provider>);
}

// What a reader reads on a screen, a line for each piece.
function text(desk: Desk): string {
  return words(html(desk));
}

function words(page: string): string {
  return page
    .replace(/<span class="cc-paper">.*?<\/span>/g, "")
    .replace(/<\/(p|li|h1|h2|h3|button|summary|section|article|div)>/g, "\n")
    .replace(/<[^>]*>/g, "")
    .replaceAll("&amp;", "&").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .split("\n").map((line) => line.trim()).filter(Boolean).join("\n");
}

describe("Today", () => {
  let desk: Desk;
  beforeEach(() => {
    desk = story();
  });

  test("the co-ordinator's page on Friday 5 December 2025 at 09:00", () => {
    const page = text(desk);
    const inOrder = [
      "All sources are sending. Oldest: Dundee case files, today 02:00.",
      "Act now (1)",
      "High",
      "Accept by 11:00",
      "Torquil Balnamoon, born 3 March 1979",
      "Registered sex offender, Level 2. Lead: Dundee Justice social work – A. Carse, 01382 000000",
      "Social work have sent a breach report to the Parole Board: failed to report.",
      "Happened today 08:40. Concordat knew 08:40.",
      "Accept", "Pass on", "This is wrong",
      "Why am I seeing this?",
      "Accepted, not finished (3)",
      "Alasdair Kinnordy – Three concerns from two agencies in 9 days.",
      "You, 21 November 08:50: “child protection told; meeting by 12 December”. 7 days left (12 December, as promised)",
      "Ruaridh Inchbare – Charged with violence, held for court. Outcome not known.",
      "Duty senior social worker, Dundee City Council, 22 November 02:17: 3 days left (Monday 8 December, the usual limit)",
      "Ruaridh Inchbare – Three incidents from two agencies in 7 days.",
      "Closed in the last day (1)",
      "Torquil Balnamoon –",
    ];
    let from = 0;
    for (const line of inOrder) {
      const at = page.indexOf(line, from);
      expect(at, `"${line}" after character ${from} of:\n${page}`).toBeGreaterThanOrEqual(0);
      from = at + line.length;
    }
    expect(page).not.toContain("What you cannot see");
  });

  test("words that are never used", () => {
    const page = text(desk).toLowerCase()
      // The category's own name, as users.md 9.1 writes it.
      .replaceAll("registered sex offender", "")
      // A report that social work sent, not a clock.
      .replaceAll("breach report", "");
    for (const word of ["payload", "event", "subject", "breach", "subscriber", "dead letter", "offender"]) {
      expect(page).not.toMatch(new RegExp(`\\b${word}`));
    }
  });

  test("a source is silent: it is told before any alert", () => {
    desk.feeds[0]!.silentSince = us("2025-12-05 06:00");
    const page = text(desk);
    expect(page).toContain("Dundee case files have not come since today 02:00");
    expect(page.indexOf("No news is not good news.")).toBeLessThan(page.indexOf("Act now"));
    expect(page).not.toContain("All sources are sending");
  });

  test("alerts that are behind say so", () => {
    desk.feed = { kind: "live", checkedAt: now, upTo: now };
    expect(text(desk)).toContain("Alerts are up to date to 09:00. Later ones may be missing.");
  });

  test("nothing to do is said, with how far the sources came", () => {
    desk = new Desk(session);
    vi.spyOn(desk, "now").mockReturnValue(now);
    desk.loaded.add("alerts");
    desk.feeds = [create(FeedReportSchema, { title: "Dundee case files", completeTo: us("2025-12-05 02:00") })];
    expect(text(desk)).toContain(
      "Nothing needs you. The one source is sending; the oldest is Dundee case files, today 02:00.");
  });

  test("before anything is known it says that it loads, and does not say that nothing is to do", () => {
    desk = new Desk(session);
    expect(text(desk)).toContain("Loading alerts");
    expect(text(desk)).not.toContain("Nothing needs you");
    desk.problems.set("alerts", new HubError("unavailable", "It does not answer."));
    expect(text(desk)).toContain("Alerts cannot be shown. Concordat does not answer. This page goes on trying. Use the telephone list.");
    expect(text(desk)).not.toContain("Loading");
  });

  test("what people wrote is only text", () => {
    const script = '<script>alert(1)</script><img src=x onerror="alert(2)">';
    desk.book.list([alert({
      alertRef: "A-x", severity: "CRITICAL", state: "raised", subject: p2, headline: script,
      notShared: [script], notKnown: script,
      acceptances: [{ action: script, at: us("2025-12-05 08:00"), by: script }],
      evidence: [{ words: script, event: "x#1" }],
      disputes: [{ reason: script, at: us("2025-12-05 08:01") }],
    })]);
    desk.book.arrange();
    const page = html(desk);
    expect(page).not.toContain("<script");
    expect(page).not.toContain("<img");
    expect(text(desk)).toContain(script);
  });

  test("on paper nobody is you", () => {
    const paper = words(html(desk).replace(/<span class="cc-screen">.*?<\/span>/g, "").replaceAll("cc-paper", ""));
    expect(paper).toContain("M. Carnbee, 21 November 08:50: “child protection told");
    expect(paper).not.toMatch(/\b[Yy]ou,/);
  });

  test("names unknown: the reader's own reference, never a guess", () => {
    desk.people.clear();
    const page = text(desk);
    expect(page).not.toContain("Balnamoon");
    expect(page).toContain("A person you may not name");
  });
});

describe("the strip", () => {
  test("says how the page is connected", () => {
    const at = new Date("2025-12-05T09:00:04Z");
    const words = (kind: LiveKind, checkedAt: Date, upTo?: Date, missing = false) =>
      connection({ kind, checkedAt, upTo }, missing).words;
    expect(words("live", at)).toBe("Live – checked 09:00:04");
    expect(words("checking", at)).toBe("Checking every 10 seconds");
    expect(words("lost", new Date("2025-12-05T10:41:59Z"))).toBe(
      "Not connected since 10:41. Use the telephone list.");
    // Connected, and yet not all there: never "Live".
    expect(words("live", at, new Date("2025-12-05T08:59:07Z"))).toBe(
      "Connected – alerts are up to date to 08:59:07");
    expect(words("live", at, undefined, true)).toBe(
      "Connected – some of what is here could not be read again");
  });

  test("each who accepted has a limit, and midnight ends the day before", () => {
    const limit = (until: string, actBy = "") =>
      limitWords(create(AcceptanceSchema, { limit: us(until), actBy }), now);
    expect(limit("2025-12-09 00:00")?.words).toBe("3 days left (Monday 8 December, the usual limit)");
    expect(limit("2025-12-13 00:00", "2025-12-12")?.words).toBe("7 days left (12 December, as promised)");
    expect(limit("2025-12-06 00:00")).toEqual({ words: "Due today (the usual limit)", overdue: false });
    expect(limit("2025-12-05 00:00", "2025-12-04")).toEqual(
      { words: "Overdue since yesterday (as promised)", overdue: true });
    expect(limitWords(create(AcceptanceSchema, {}), now)).toBeUndefined();
  });

  test("a wall screen counts what Today shows", () => {
    const desk = story();
    desk.book.list([
      alert({ alertRef: "w1", severity: "HIGH", state: "accepted", subject: p2, passedOn: [{ toYou: true }] }),
      alert({ alertRef: "w2", severity: "HIGH", state: "accepted", subject: p2, overdue: true }),
      alert({ alertRef: "w3", severity: "HIGH", state: "shown", subject: p2, copy: true }),
      alert({ alertRef: "w4", severity: "HIGH", state: "shown", subject: p2, copy: true, acceptedByYou: true }),
      alert({ alertRef: "w5", severity: "HIGH", state: "shown", subject: p2, escalatedAt: us("2025-12-05 08:00") }),
    ]);
    desk.book.arrange();
    const wall = words(renderToString(<DeskContext.Provider value={desk}><Wall /></DeskContext.Provider>));
    const today = text(desk);
    expect(today).toContain("Act now (4)");
    expect(wall).toContain("4\nto act on");
    expect(wall).toContain("1\nnot accepted in time");
    expect(wall).toContain("1\nnot done in time");
    expect(today).toContain("Accepted, not finished (4)");
    expect(wall).toContain("4\naccepted, not finished");
    expect(wall).toContain("0\nsources silent");
    // A copy that the reader took on is nobody else's.
    expect(today.match(/somebody else acts/g)).toHaveLength(1);
  });
});
