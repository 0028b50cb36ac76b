// Acts of two people, openings without an interest, and agreements that end.
// What catches which bug:
//   the page words an end itself, or tells it twice    -> "an end is told in the hub's own words"
//   the number to ring cannot be rung                  -> "an end is told in the hub's own words"
//   who asked is offered to agree                      -> "who asked may take back, another agree"
//   an act that is done elsewhere is offered           -> "what is done elsewhere says where"
//   a hold's end is agreed to by placing one           -> "each act is agreed to by its own call"
//   a form asks what the call does not take            -> "each act is agreed to by its own call"
//   a room is offered to whom it is not for            -> "rooms are those of one's rights"
//   an hour that is over still counts                  -> "how long it is open"
//   what was looked at waits still                     -> "openings: what waits first"
import { create } from "@bufbuild/protobuf";
import renderToString from "preact-render-to-string";
import { beforeEach, expect, test, vi } from "vitest";
import { GlassEntrySchema } from "../gen/concordat/access/v1/glass_pb";
import { OpenApprovalSchema } from "../gen/concordat/bus/v1/approval_pb";
import { AgreementStateSchema } from "../gen/concordat/bus/v1/service_pb";
import { Desk } from "../src/hub/desk";
import type { Session } from "../src/hub/session";
import { AgreementNotices } from "../src/parts/agreement_notices";
import { roomsOf } from "../src/parts/strip";
import { DeskContext } from "../src/parts/use_desk";
import { leftWords } from "../src/person/opening";
import { Approvals } from "../src/rooms/approvals";
import { Openings } from "../src/rooms/openings";
import { actOf, kActs, whatWords } from "../src/rooms/two_people";
import { agreementNotices } from "../src/today/sources";
import { micros } from "../src/words/dates";
import { now, p2, us } from "./story";

const kSoon =
  "The agreement tayside-demo ends on 20 December 2025, in 15 days. Nothing is shared by it after that. Ring the MAPPA co-ordinator, 01632 960100.";
const kEnded =
  "Nothing is shared with you since 1 December 2025: the agreement ended. Ring the MAPPA co-ordinator, 01632 960100.";

function session(role: string, agency = "mappa-tayside"): Session {
  return {
    account: role, displayName: "M. Carnbee", principal: role, agency, agencyName: "Tayside MAPPA", role,
    purpose: "MAPPA_RISK_MANAGEMENT", environment: "demo", idleSeconds: 900,
    expiresAt: "2025-12-05T17:00:00Z", csrf: "c", recentUntil: null,
  };
}

let desk: Desk;
beforeEach(() => {
  desk = new Desk(session("coordinator"));
  vi.spyOn(desk, "now").mockReturnValue(now);
});

function html(room: preact.JSX.Element): string {
  return renderToString(<DeskContext.Provider value={desk}>{room}</DeskContext.Provider>);
}

test("an end is told in the hub's own words, once, with a number to ring", () => {
  expect(html(<AgreementNotices />)).toBe("");
  desk.agreements = [
    create(AgreementStateSchema, { notice: kSoon, inForce: true }),
    create(AgreementStateSchema, { notice: kEnded }),
    create(AgreementStateSchema, { notice: kEnded }),
    create(AgreementStateSchema, { notice: "", inForce: true }),
  ];
  expect(agreementNotices(desk.agreements)).toEqual([
    { words: kEnded, ended: true }, { words: kSoon, ended: false },
  ]);
  const page = html(<AgreementNotices />);
  expect(page.replace(/<[^>]*>/g, "")).toContain(kEnded);
  expect(page.match(/href="tel:01632960100"/g)).toHaveLength(2);
  expect(page).toContain('<a href="tel:01632960100">01632 960100</a>');
});

function asked(fields: { kind: string; what: string; own?: boolean }) {
  return create(OpenApprovalSchema, {
    approval: "approval-1", by: "admin", why: "a court asked", count: 1n,
    until: micros(new Date(Date.now() + 3_600_000)), ...fields,
  });
}

test("who asked may take back, another agree", () => {
  desk.loaded.add("approvals");
  desk.agreeKinds = ["hold"];
  desk.waitingActs = [asked({ kind: "hold", what: "legal hold on one person" })];
  let page = html(<Approvals />);
  expect(page).toContain("Look and agree");
  expect(page).toContain("Refuse");
  expect(page).toContain("“a court asked”");
  desk.waitingActs = [asked({ kind: "hold", what: "legal hold on one person", own: true })];
  page = html(<Approvals />);
  expect(page).not.toContain("Look and agree");
  expect(page).toContain("Take back");
  expect(page).toContain("another person has to agree");
});

test("what is done elsewhere says where", () => {
  desk.loaded.add("approvals");
  desk.agreeKinds = ["enrolment"];
  desk.waitingActs = [asked({ kind: "enrolment", what: "enrolment of nhs-tayside/ward" })];
  const page = html(<Approvals />);
  expect(page).not.toContain("Look and agree");
  expect(page).toContain("--approve approval-1");
  expect(page).not.toContain("Ask for an act");
});

test("each act is agreed to by its own call", () => {
  const of = (kind: string, what: string) => actOf({ kind, what })?.id;
  expect(of("hold", "legal hold on one person, COURT_PROCEEDINGS")).toBe("hold");
  expect(of("hold", "the end of a legal hold on one person")).toBe("lift");
  expect(of("restriction", "restriction of what nhs-tayside told of one person: EVIDENCE")).toBe("restrict");
  expect(of("restriction", "the end of restricting what nhs-tayside told of one person")).toBe("restrict-no-more");
  expect(of("erasure", "erasure of one person, 41 events")).toBe("erasure");
  expect(of("redrive", "redrive a/b/c: 2 events")).toBe("redrive");
  expect(of("keys", "anything")).toBeUndefined();
  expect(whatWords("legal hold on one person, COURT_PROCEEDINGS, to be looked at on 2027-04-01"))
    .toBe("legal hold on one person, court proceedings, to be looked at on 1 April 2027");
  expect(new Set(kActs.map((act) => act.id)).size).toBe(kActs.length);
  for (const act of kActs) {
    // What is sent without a look says what follows from it; nobody is asked for nothing.
    expect(act.check({}).length, act.id).toBeGreaterThan(0);
    for (const field of act.fields(desk)) expect(field.label, act.id).not.toBe("");
  }
});

test("rooms are those of one's rights", () => {
  const rooms = (role: string, kinds: string[] = []) => {
    desk = new Desk(session(role));
    desk.agreeKinds = kinds;
    desk.waitingActs = [asked({ kind: "hold", what: "x" }), asked({ kind: "hold", what: "y", own: true })];
    return roomsOf(desk).map(([, title, waits]) => `${title}${waits ? ` ${waits}` : ""}`);
  };
  expect(rooms("police")).toEqual(["Today", "Find a person", "Cases", "Why"]);
  // One's own wait for others.
  expect(rooms("operator", ["hold"])).toEqual(["Exchange", "Approvals 1", "Why"]);
  expect(rooms("operator")).toEqual(["Exchange", "Why"]);
  expect(rooms("coordinator")).toContain("Openings");
  expect(rooms("guardian", ["restriction"])).toEqual(["Today", "Openings", "Approvals 1", "Why"]);
});

test("how long it is open", () => {
  const at = (seconds: number) => leftWords(new Date(3_600_000), new Date(3_600_000 - seconds * 1000));
  expect(at(3600)).toBe("60 minutes left");
  expect(at(3541)).toBe("60 minutes left");
  expect(at(61)).toBe("2 minutes left");
  expect(at(1)).toBe("1 minute left");
  expect(at(0)).toBe("it has ended");
  expect(at(-60)).toBe("it has ended");
});

test("openings: what waits first, overdue said in words", () => {
  desk.loaded.add("openings");
  const opening = (openingRef: string, hours: number) => ({
    openingRef, by: "duty-senior", reason: "THREAT_TO_LIFE", words: "A neighbour rang.",
    reviewBy: micros(new Date(Date.now() + hours * 3_600_000)),
  });
  desk.openings = [
    create(GlassEntrySchema, {
      subject: p2, agency: "dundee-city-council", time: us("2025-12-04 23:00"), opening: opening("G-1", -3),
      reviewOverdue: true,
    }),
    create(GlassEntrySchema, {
      subject: p2, agency: "dundee-city-council", time: us("2025-12-03 23:00"), opening: opening("G-2", 9),
      review: { openingRef: "G-2", outcome: "JUSTIFIED", words: "Police were told.", by: "coordinator" },
    }),
  ];
  const page = html(<Openings />).replace(/<[^>]*>/g, "");
  expect(page).toContain("To be looked at (1)");
  expect(page).toContain("Overdue: to be looked at by ");
  expect(page.indexOf("G-1")).toBeLessThan(page.indexOf("Looked at (1)"));
  expect(page).toContain("It was justified: “Police were told.” – coordinator");
  expect(page.match(/Say what came of it/g)).toHaveLength(1);
});
