// The acts of two people that the bus does itself: what is asked, what it would do, and
// the call. One and the same call asks and, with an approval, agrees: as at the command
// line.
import type { AskedApproval, OpenApproval } from "../../gen/concordat/bus/v1/approval_pb";
import { bus, erasure } from "../hub/services";
import type { Desk } from "../hub/desk";
import { count as counted } from "../parts/basics";
import type { Field, Values } from "../parts/form";
import { choices, say } from "../words/codes";
import { birthDate, moment, when } from "../words/dates";
import { agency } from "../words/names";

export interface Preview {
  words: string;
  count: bigint;
  // What it is about, a line each.
  lines: string[];
  // What stands against it; then nobody can have it done.
  against: string[];
}

interface Sent {
  // As the preview said; the hub refuses another.
  count: bigint;
  // Empty: asks.
  approval: string;
  why: string;
}

export interface TwoActs {
  id: string;
  // Of the registry's rights.
  kind: string;
  title: string;
  intro?: string;
  fields: (desk: Desk) => Field[];
  preview?: (values: Values) => Promise<Preview>;
  // Before it is sent: what follows from it.
  check: (values: Values) => string[];
  // What came of it, in words.
  send: (values: Values, sent: Sent) => Promise<string>;
}

const kLong = { timeoutMs: 60_000 };

function askedWords(asked: AskedApproval | undefined): string {
  const until = asked && moment(asked.until);
  return `Asked for. Another person has to agree${until ? ` until ${when(until, new Date())}` : ""}. Nothing is done yet.`;
}

const kPerson: Field = {
  name: "subject", label: "Person key", kind: "line",
  hint: "“p-” and 26 characters. Who asked says it to who agrees, by another way than this page.",
  needed: "Enter the person key",
};

function reason(list: Parameters<typeof choices>[0]): Field {
  return { name: "reason", label: "Reason", kind: "select", options: choices(list), needed: "Choose the reason" };
}

const kAgainst: Record<string, string> = {
  hold: "a legal hold stands",
  "open-case": "the person has an open case",
  "in-doubt": "it is in doubt who the person is; ask identity first",
};

const kErasure: TwoActs = {
  id: "erasure", kind: "erasure", title: "Erase a person",
  intro: "The person's keys are destroyed: nothing that was told of them can be read again, in any backup either.",
  fields: () => [
    kPerson,
    { name: "also", label: "Other keys of the same person", kind: "line", hint: "With blanks between. Leave it empty if there are none." },
    reason("erasure-reason"),
    {
      name: "checked", label: "Was identity asked which keys are this person's?", kind: "radios",
      options: [["yes", "Yes"], ["no", "No"]], needed: "Say whether identity was asked",
    },
  ],
  preview: async (values) => {
    const answer = await erasure.erasePerson(erasureOf(values), kLong);
    return {
      words: `${counted(Number(answer.count), "record")} of ${counted(answer.controllers.length, "agency", "agencies")} would be destroyed for good.`,
      count: answer.count,
      lines: [
        ...answer.controllers.map((one) => `${agency(one.controller)}: ${one.events}`),
        ...(answer.told.length ? [`Told, and asked to confirm: ${answer.told.map(agency).join(", ")}`] : []),
      ],
      against: answer.blockedBecause.map((one) => kAgainst[one] ?? one),
    };
  },
  check: (values) => [
    `One person is erased: ${say("erasure-reason", values.reason ?? "")}.`,
    "It cannot be undone, from any backup either.",
  ],
  send: async (values, { count, approval, why }) => {
    const answer = await erasure.erasePerson({ ...erasureOf(values), confirmedCount: count, why, approval }, kLong);
    if (answer.asked) return askedWords(answer.asked);
    return `Erased, ${answer.erasureRef}: ${counted(Number(answer.erasedKeys), "key")} destroyed. Destroy every copy of the key file of before.`;
  },
};

function erasureOf(values: Values) {
  return {
    subject: values.subject!.trim(), reason: values.reason!,
    also: (values.also ?? "").split(/\s+/).filter(Boolean),
    identityChecked: values.checked === "yes",
  };
}

const kHold: TwoActs = {
  id: "hold", kind: "hold", title: "Place a legal hold on a person",
  intro: "Nothing of the person is erased or removed until it is lifted.",
  fields: () => [
    kPerson,
    reason("hold-reason"),
    { name: "review", label: "To be looked at on", kind: "date", needed: "Enter the day on which somebody looks whether it is still needed" },
  ],
  check: (values) => [
    `Nothing of one person is erased or removed: ${say("hold-reason", values.reason ?? "")}.`,
    `Somebody looks at it on ${birthDate(values.review ?? "")}.`,
  ],
  send: async (values, { approval, why }) => {
    const answer = await erasure.placeHold({
      subject: values.subject!.trim(), reason: values.reason!, reviewOn: values.review!, why, approval,
    });
    return answer.asked ? askedWords(answer.asked) : `The hold ${answer.holdRef} stands.`;
  },
};

const kLift: TwoActs = {
  id: "lift", kind: "hold", title: "Lift a legal hold",
  fields: () => [
    { name: "hold", label: "Reference of the hold", kind: "line", hint: "It begins with L-.", needed: "Enter the reference" },
  ],
  check: (values) => [`The hold ${values.hold?.trim()} ends: what it kept may be erased or removed again.`],
  send: async (values, { approval, why }) => {
    const answer = await erasure.liftHold({ holdRef: values.hold!.trim(), why, approval });
    return answer.asked ? askedWords(answer.asked) : `The hold ${answer.holdRef} is lifted.`;
  },
};

function restriction(restricted: boolean): TwoActs {
  return {
    id: restricted ? "restrict" : "restrict-no-more", kind: "restriction",
    title: restricted ? "Restrict what your agency told of a person" : "End such a restriction",
    fields: () => (restricted ? [kPerson, reason("restriction-reason")] : [kPerson]),
    check: () => [
      restricted
        ? "What your agency told of one person is kept, and shown to nobody else."
        : "What your agency told of one person is shown again to whom an agreement gives it.",
    ],
    send: async (values, { approval, why }) => {
      const answer = await erasure.restrictProcessing({
        subject: values.subject!.trim(), restricted, reason: values.reason ?? "", why, approval,
      });
      return answer.asked ? askedWords(answer.asked) : restricted ? "It is restricted." : "It is restricted no more.";
    },
  };
}

const kRetention: TwoActs = {
  id: "retention", kind: "retention", title: "Remove what is past its period",
  intro: "By the agreements of who told it, and the retention policy of this hub. Back the log up first.",
  fields: () => [],
  preview: async () => {
    const answer = await bus.runRetention({}, kLong);
    return {
      words: `By policy version ${answer.policyVersion}: ${counted(Number(answer.count), "record")} up to number ${answer.through} would be removed; what proves them stays.`,
      count: answer.count,
      lines: [
        ...answer.removed.map((one) => `${one.type}, ${one.month % 100}/${Math.floor(one.month / 100)}: ${one.events}`),
        ...answer.kept.map((one) => `Kept, ${one.because}${one.by ? ` by ${one.by}` : ""}: ${one.events}`),
        ...answer.waitsFor,
      ],
      against: answer.failed ? [answer.failed] : [],
    };
  },
  check: () => ["What is past its period is removed for good. Backups of before have it still."],
  send: async (_values, { count, approval, why }) => {
    const answer = await bus.runRetention({ confirmedCount: count, why, approval }, kLong);
    if (answer.asked) return askedWords(answer.asked);
    return answer.failed ? `Not all of it was done: ${answer.failed}` : `${counted(Number(answer.count), "record")} removed.`;
  },
};

const kSubscription: Field[] = [
  {
    name: "subscription", label: "Whose, and which", kind: "line",
    hint: "agency/role/name, as the Exchange lists it.", needed: "Enter agency/role/name",
  },
  { name: "rows", label: "Rows", kind: "line", hint: "Numbers with blanks between. Empty: all that is set aside." },
];

function choiceOf(values: Values) {
  const [agencyName = "", role = "", ...name] = values.subscription!.trim().split("/");
  if (!agencyName || !role || name.length === 0) throw new Error("Whose, and which: agency/role/name.");
  const rows = (values.rows ?? "").split(/[\s,]+/).filter(Boolean);
  for (const row of rows) if (!/^\d+$/.test(row)) throw new Error(`Rows: ${row} is no number.`);
  return { subscription: { agency: agencyName, role, name: name.join("/") }, rows: rows.map(BigInt) };
}

function ofSetAside(kind: "redrive" | "park"): TwoActs {
  const call = kind === "redrive"
    ? (request: Parameters<typeof bus.redrive>[0]) => bus.redrive(request)
    : (request: Parameters<typeof bus.park>[0]) => bus.park(request);
  const done = kind === "redrive" ? "delivered again" : "parked";
  return {
    id: kind, kind,
    title: kind === "redrive" ? "Deliver again what a subscription set aside" : "Park what a subscription set aside",
    fields: () => kSubscription,
    preview: async (values) => {
      const choice = choiceOf(values);
      const [answer, list] = await Promise.all([
        call({ choice }), bus.listSetAside({ subscription: choice.subscription }),
      ]);
      const picked = list.events.filter((one) => choice.rows.length === 0 || choice.rows.includes(one.row));
      return {
        words: `${counted(answer.count, "delivery", "deliveries")} would be ${done}.`,
        count: BigInt(answer.count),
        lines: picked.map((one) =>
          `Row ${one.row}: number ${one.sequence}, of ${agency(one.controller)}, tried ${counted(one.attempts, "time")}: ${one.reason || "no reason given"}`),
        against: answer.count === 0 ? ["nothing of it is set aside"] : [],
      };
    },
    check: (values) => [
      kind === "redrive"
        ? `What ${values.subscription?.trim()} set aside is delivered to it again.`
        : `What ${values.subscription?.trim()} set aside lets the rest of its key go; only people have it delivered again.`,
    ],
    send: async (values, { count, approval, why }) => {
      const answer = await call({ choice: choiceOf(values), confirmedCount: Number(count), why, approval });
      return answer.asked ? askedWords(answer.asked) : `${counted(answer.count, "delivery", "deliveries")} ${done}.`;
    },
  };
}

export const kActs: TwoActs[] = [
  kErasure, kHold, kLift, restriction(true), restriction(false), kRetention,
  ofSetAside("redrive"), ofSetAside("park"),
];

// The hub's words of an act, with codes and days as people say them.
export function whatWords(what: string): string {
  return what
    .replace(/\b[A-Z]+(?:_[A-Z]+)+\b/g, (code) => code.toLowerCase().replaceAll("_", " "))
    .replace(/\b\d{4}-\d{2}-\d{2}\b/g, birthDate);
}

// The same kind has two acts, told apart by the hub's own words; undefined: it is done
// elsewhere than in the bus, or the keys'.
export function actOf({ kind, what }: Pick<OpenApproval, "kind" | "what">): TwoActs | undefined {
  const ends = what.startsWith("the end of ");
  const id = kind === "hold" && ends ? "lift"
    : kind === "restriction" ? (ends ? "restrict-no-more" : "restrict") : kind;
  return kActs.find((act) => act.id === id);
}
