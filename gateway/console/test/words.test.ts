// What catches which bug:
//   a code list grows and its new code has no words   -> "every code has words"
//   a review asks what identity does not take       -> "every kind of review"
//   an event type comes and the page shows its name   -> "every type has a sentence"
//   an agreement names a machine's names            -> "a line of an agreement"
//   a word of users.md 6 that may never be on Today   -> "words that are never used"
//   a withdrawn fact named to whom it is not shown -> "what is to be looked at again"
import { readdirSync, readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { LookAgain_Asks, LookAgain_How, LookAgain_Item, LookAgainSchema } from "../gen/concordat/mappa/v1/service_pb";
import { codes, say } from "../src/words/codes";
import { sentence, spokenTypes } from "../src/words/events";
import { kReviews } from "../src/rooms/liaison";
import { plainWords, recipients } from "../src/rooms/why";
import { lookAgainWords } from "../src/words/look_again";
import { addressee, agency, environment, knowAgencies, purpose } from "../src/words/names";
import { nothingWords, sendingWords, silentWords } from "../src/today/sources";
import { feeds, now, us } from "./story";

const kRoot = new URL("../../../", import.meta.url);

// Of the operator's and the services' own, or of no page yet.
const kNotShown = new Set([
  "alert-severity", "contact-channel", "link-basis", "notice-outcome",
  // Of acts that are by command line alone, and of what the log alone tells.
  "access-reason", "erasure-kept-reason", "registry-change", "retention-decision", "retention-reason",
]);

describe("words", () => {
  test("a line of an agreement, without names of machines", () => {
    knowAgencies({ "mappa-tayside": "Tayside MAPPA", "police-scotland": "Police Scotland" });
    expect(plainWords(
      "mappa-tayside (coordinator, co-ordinator, on-call-co-ordinator) sees concordat.mappa.v1.LevelChanged of persons whose open case it is a party to; law: Management of Offenders etc. (Scotland) Act 2005, s.10"))
      .toBe(
        "Tayside MAPPA (MAPPA co-ordinator and on-call MAPPA co-ordinator) sees “Level changed” of persons whose open case it is a party to; law: Management of Offenders etc. (Scotland) Act 2005, s.10");
    expect(plainWords("each (police, service, adapter) sees concordat.police.v1.ChargeRecorded that it published itself or controls"))
      .toBe("Every party (public protection and its own systems) sees “Charge recorded” that it published itself or controls");
    expect(plainWords("it is not to police-scotland")).toBe("it is not for Police Scotland");
  });

  test("what is to be looked at again: what is not for the reader is not named", () => {
    knowAgencies({ "police-scotland": "Police Scotland" });
    const at = new Date("2025-11-27T11:00:00Z");
    const plan = {
      item: LookAgain_Item.PLAN, itemRef: "C-2", decidedAt: us("2025-11-24 10:00"),
      asks: LookAgain_Asks.MEETING, withdrawnAt: us("2025-11-27 09:12"),
    };
    const named = {
      ...plan, how: LookAgain_How.TAKEN_BACK, type: "concordat.police.v1.ConcernShared",
      agency: "police-scotland", facts: 1, fact: 7n, withdrawnBy: 9n,
    };
    const waits = {
      ...named, item: LookAgain_Item.REFERRAL, itemRef: "R-1", asks: LookAgain_Asks.DECISION, facts: 3,
    };
    const words = (fields: typeof plan) => lookAgainWords(create(LookAgainSchema, fields), at);
    expect(words(plan)).toBe(
      "The plan was made 24 November 2025 with something that was shared with you then, and is withdrawn since today 09:12. Look at it again at a meeting.");
    expect(words(named)).toBe(
      "The plan was made 24 November 2025 with “Concern shared” of Police Scotland, which is taken back since today 09:12. Look at it again at a meeting.");
    expect(words(waits)).toBe(
      "Referral R-1 was sent 24 November 2025 with “Concern shared” of Police Scotland and 2 more, which are taken back since today 09:12. Know of that when you decide it.");
  });

  test("whom one may ask about: those whom an agreement names, the reader first", () => {
    const see = [
      { to: "mappa-tayside", roles: ["coordinator", "co-ordinator"] },
      { to: "each", roles: ["police", "service"] },
    ];
    const agreements = [{ agreement: { parties: ["police-scotland"], arrangement: "mappa-tayside", see } }];
    const session = { agency: "mappa-tayside", role: "coordinator" };
    expect(recipients(agreements as never, session as never)).toEqual([
      ["mappa-tayside/coordinator", "Tayside MAPPA: MAPPA co-ordinator"],
      ["police-scotland/police", "Police Scotland: Public protection"],
    ]);
  });

  test("every code has words", () => {
    const folder = new URL("deploy/config/codes/", kRoot);
    for (const file of readdirSync(folder)) {
      const text = readFileSync(new URL(file, folder), "utf8");
      const name = /^name: "(.*)"/m.exec(text)![1]!;
      if (kNotShown.has(name)) continue;
      const list = codes[name as keyof typeof codes] as Record<string, string> | undefined;
      expect(list, name).toBeDefined();
      const there = [...text.matchAll(/^codes: "(.*)"/gm)].map((match) => match[1]);
      expect(Object.keys(list!).sort(), name).toEqual(there.sort());
    }
  });

  test("every kind of review has a question, and answers that identity takes", () => {
    expect(Object.keys(kReviews).sort()).toEqual(Object.keys(codes["identity-review-kind"]).sort());
    const source = readFileSync(new URL("services/identity/domain/review.cc", kRoot), "utf8");
    const names: Record<string, string> = {
      kMergedAtSource: "MERGED_AT_SOURCE", kAddressCandidate: "ADDRESS_CANDIDATE",
      kDifferentPeople: "DIFFERENT_PEOPLE", kLinkDoubted: "LINK_DOUBTED", kNumberClaimed: "NUMBER_CLAIMED",
      kMergedDecision: "MERGED", kKeptApart: "KEPT_APART", kConfirmedDecision: "CONFIRMED", kLinkCut: "LINK_CUT",
    };
    const taken = [...source.matchAll(/^ {4}\{(k\w+), (k\w+)\},/gm)]
      .map(([, kind, end]) => `${names[kind!]} ${names[end!]}`).sort();
    expect(taken.length).toBeGreaterThan(5);
    const asked = Object.entries(kReviews)
      .flatMap(([kind, { answers }]) => answers.map(([end]) => `${kind} ${end}`)).sort();
    expect(asked).toEqual(taken);
    for (const { reasons } of Object.values(kReviews)) {
      for (const reason of reasons) expect(codes["identity-review-reason"]).toHaveProperty(reason);
    }
    expect(JSON.stringify(kReviews["ADDRESS_CANDIDATE"])).not.toMatch(/people|as it stands/i);
  });

  test("every type has a sentence", () => {
    const types: string[] = [];
    for (const name of ["access", "court", "prison", "police", "nhs", "socialwork", "mappa"]) {
      const text = readFileSync(
        new URL(`proto/concordat/${name}/v1/events.proto`, kRoot), "utf8");
      for (const [, type, rest] of text.matchAll(
        /^message (\w+) \{\n  option \(policy\.v1\.type\)\.event.*\n((?:  option .*\n)*)/gm)) {
        // What is internal is shown to nobody.
        if (!rest!.includes(".internal = true")) types.push(`concordat.${name}.v1.${type}`);
      }
    }
    expect(spokenTypes.slice().sort()).toEqual(types.sort());
    // With nothing shared of it, a sentence still reads.
    for (const type of types) {
      const words = sentence({
        type, id: "1", source: "urn:concordat:police-scotland:rms", time: "", acceptedtime: "",
        sequence: 1 });
      expect(words).toMatch(/^[A-Z]/);
      expect(words).not.toMatch(/undefined|null|: ,|\.$/);
    }
  });

  test("an event of the story", () => {
    const of = (type: string, data: Record<string, unknown>) =>
      sentence({ type: `concordat.${type}`, data, id: "1", source: "", time: "", acceptedtime: "", sequence: 1 });
    expect(of("police.v1.ConcernShared", { concernType: "SEEN_WITH_CHILD", incidentRef: "INC-102" }))
      .toBe("Police shared a concern: seen with a child");
    expect(of("police.v1.ChargeRecorded", { offenceGroup: "GROUP_1", disposal: "HELD_FOR_COURT" }))
      .toBe("Charged: violence, held for court. Outcome not known");
    expect(of("nhs.v1.EngagementReported", { engagement: "DISENGAGED" }))
      .toBe("The person is not engaging with an agreed service");
    expect(of("mappa.v1.LevelChanged", { toLevel: 2 })).toBe("Level decided: Level 2");
  });

  test("a code that is not known is readable", () => {
    expect(say("concern-type", "SOMETHING_NEW")).toBe("something new");
  });

  test("agencies, roles, purposes", () => {
    expect(agency("nhs-fife")).toBe("NHS Fife");
    expect(agency("mappa-tayside")).toBe("Tayside MAPPA");
    expect(addressee("police-scotland/duty-senior")).toBe("duty senior, Police Scotland");
    expect(addressee("mappa-tayside/co-ordinator (copy)")).toBe("MAPPA co-ordinator (for information)");
    expect(purpose("MAPPA_RISK_MANAGEMENT")).toBe("managing risk of serious harm");
    expect(environment("demo")).toBe("TRAINING AND DEMONSTRATION – INVENTED PEOPLE");
    expect(environment("live")).toBeUndefined();
  });

  test("what the sources say", () => {
    const [dundee, hospital] = feeds();
    expect(sendingWords([dundee!, hospital!], now)).toBe(
      "All sources are sending. Oldest: Dundee case files, today 02:00.");
    expect(nothingWords([dundee!, hospital!], now)).toBe(
      "Nothing needs you. Both sources are sending; the oldest is Dundee case files, today 02:00.");
    dundee!.silentSince = us("2025-12-05 06:00");
    expect(sendingWords([dundee!, hospital!], now)).toMatch(/^One of 2 sources is sending/);
    expect(nothingWords([dundee!, hospital!], now)).not.toMatch(/^Nothing needs you/);
    expect(silentWords(dundee!, now)).toBe(
      "Dundee case files have not come since today 02:00 (expected every day at 02:00, here by 06:00). No news is not good news.");
  });
});
