// What the reader may do about a person. Each role has its own; the hub decides again
// whether it may be done.
import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { CommandSchema } from "../../gen/concordat/hub/v1/command_pb";
import type { GetCaseResponse } from "../../gen/concordat/mappa/v1/service_pb";
import type { Desk } from "../hub/desk";
import { identity, mappa, nhs, police, socialwork } from "../hub/services";
import { Form, type Field, type Values } from "../parts/form";
import { choices, say } from "../words/codes";
import { birthDate, fromLondon, micros } from "../words/dates";
import { levelWords, type EventView } from "../words/events";
import { agency } from "../words/names";

export interface Deed {
  id: string;
  title: string;
  intro?: string;
  fields: Field[];
  submit: string;
  // Read once more before it is done, where it cannot be undone.
  check?: (values: Values) => string[];
  send: (values: Values, request: string) => Promise<{ position: bigint }>;
}

const kLevels: [string, string][] = [1, 2, 3].map((level) => [String(level), levelWords(level)]);

function command(request: string, more: { time?: bigint; expectedVersion?: bigint } = {}) {
  return create(CommandSchema, { requestId: request, ...more });
}

// A reference that is the same however often the wish is sent.
export function newRef(prefix: string, request: string): string {
  return `${prefix}-${request.replaceAll("-", "").slice(0, 10).toUpperCase()}`;
}

const kWhen: Field[] = [
  { name: "day", label: "On which day?", kind: "date", needed: "Enter the day" },
  { name: "clock", label: "At what time?", kind: "line", hint: "For example 14:30", needed: "Enter the time" },
];

// The moment of kWhen, as a command has it.
function momentOf(values: Values): bigint {
  const at = fromLondon(values.day ?? "", (values.clock ?? "").trim());
  if (!at) throw new Error("The time must be like 14:30.");
  return micros(at);
}

function split(value: string | undefined): string[] {
  return (value ?? "").split(",").filter(Boolean);
}

function agencyChoices(names: string[]): [string, string][] {
  return names.map((name) => [name, agency(name)]);
}

function data<T>(event: EventView): Partial<T> {
  return (event.data ?? {}) as Partial<T>;
}

// Agencies of the arrangement, as its agreements name them.
export function partiesOf(desk: Desk): string[] {
  return [...new Set(desk.agreements.flatMap((one) => one.agreement?.parties ?? []))].sort();
}

function coordinatorDeeds(desk: Desk, subject: string, answer: GetCaseResponse | undefined): Deed[] {
  const one = answer?.record;
  if (!one || one.closedAt !== 0n) return [];
  const { caseRef, version, level, parties, lead } = one;
  const others = partiesOf(desk).filter((name) => !parties.includes(name));
  const levels = kLevels.filter(([value]) => value !== String(level));
  return [
    {
      id: "level", title: "Change the level",
      fields: [{ name: "level", label: "New level", kind: "radios", options: levels, needed: "Choose the level" }],
      submit: "Change the level",
      check: (values) => [
        `The level changes from ${level || "none"} to ${levelWords(Number(values.level))}.`,
        "Agencies see more or less of this person from then on, as the agreement says.",
      ],
      send: (values, request) =>
        mappa.changeLevel({
          subject, command: command(request, { expectedVersion: version }),
          change: { caseRef, fromLevel: level, toLevel: Number(values.level) },
        }),
    },
    {
      id: "meeting", title: "Record a meeting",
      fields: [
        ...kWhen,
        { name: "kind", label: "Kind", kind: "radios", options: choices("meeting-kind"), needed: "Choose the kind" },
        { name: "present", label: "Who was present?", kind: "checks", options: agencyChoices(parties), needed: "Choose who was present" },
        { name: "written", label: "Who sent a written return?", kind: "checks", options: agencyChoices(parties) },
        { name: "rosh", label: "Risk of serious harm", kind: "radios", options: choices("rosh-band"), needed: "Choose the band" },
        { name: "review", label: "Next review", kind: "date", needed: "Enter the day of the next review" },
      ],
      submit: "Record the meeting",
      send: (values, request) =>
        mappa.recordMeeting({
          subject, command: command(request, { time: momentOf(values) }),
          meeting: {
            caseRef, kind: values.kind!, level, present: split(values.present),
            writtenReturn: split(values.written), rosh: values.rosh!, reviewOn: values.review!,
          },
        }),
    },
    {
      id: "parties", title: "Change who is involved",
      fields: [
        { name: "join", label: "Joins the case", kind: "checks", options: agencyChoices(others), when: () => others.length > 0 },
        { name: "leave", label: "Leaves the case", kind: "checks", options: agencyChoices(parties.filter((name) => name !== lead)) },
      ],
      submit: "Change who is involved",
      check: (values) => [
        ...split(values.join).map((name) => `${agency(name)} joins: from then on it sees what the agreement gives it of this person, also of before.`),
        ...split(values.leave).map((name) => `${agency(name)} leaves: from then on it sees nothing new of this person.`),
      ],
      send: (values, request) =>
        mappa.changeParties({
          subject, caseRef, join: split(values.join), leave: split(values.leave),
          command: command(request, { expectedVersion: version }),
        }),
    },
    {
      id: "close-case", title: "Close the case (exit)",
      fields: [{ name: "reason", label: "Why?", kind: "radios", options: choices("case-close-reason"), needed: "Choose why" }],
      submit: "Close the case",
      check: (values) => [
        `The case is closed: ${say("case-close-reason", values.reason ?? "")}.`,
        "Nothing new about this person is shared with its agencies from then on.",
      ],
      send: (values, request) =>
        mappa.closeCase({
          subject, closed: { caseRef, reason: values.reason! },
          command: command(request, { expectedVersion: version }),
        }),
    },
  ];
}

// The newest assessments that a referral may rest on.
function assessments(events: EventView[]): [string, string][] {
  return events
    .filter((event) => event.type === "concordat.socialwork.v1.AssessmentCompleted")
    .map((event) => {
      const one = data<{ assessmentRef: string; tool: string; level: string }>(event);
      return [one.assessmentRef ?? "", `${one.assessmentRef}, ${say("assessment-tool", one.tool ?? "")}, ${say("assessment-level", one.level ?? "")}`];
    });
}

function referralDeed(subject: string, events: EventView[]): Deed {
  const cited = assessments(events);
  return {
    id: "refer", title: "Propose a level (refer)",
    fields: [
      { name: "category", label: "Category", kind: "radios", options: choices("mappa-category"), needed: "Choose the category" },
      { name: "level", label: "Level sought", kind: "radios", options: kLevels.slice(1), needed: "Choose the level" },
      { name: "assessments", label: "Assessments it rests on", kind: "checks", options: cited, when: () => cited.length > 0 },
      { name: "reason", label: "Reason", kind: "select", options: choices("referral-reason").slice(0, 4), needed: "Choose the reason" },
    ],
    submit: "Refer",
    check: (values) => [
      `The co-ordinator is asked for ${levelWords(Number(values.level))}, category ${say("mappa-category", values.category ?? "")}.`,
    ],
    send: (values, request) =>
      mappa.submitReferral({
        subject, command: command(request),
        referral: {
          referralRef: newRef("R", request), category: values.category!,
          levelSought: Number(values.level), assessmentRefs: split(values.assessments),
          reason: values.reason!,
        },
      }),
  };
}

function notifyDeed(desk: Desk, subject: string): Deed {
  return {
    id: "notify", title: "Notify the co-ordinator",
    fields: [
      { name: "category", label: "Category", kind: "radios", options: choices("mappa-category"), needed: "Choose the category" },
      { name: "level", label: "Level proposed", kind: "radios", options: kLevels, needed: "Choose the level" },
    ],
    submit: "Notify",
    send: (values, request) =>
      mappa.submitNotification({
        subject, command: command(request), notificationRef: newRef("N", request),
        notification: {
          category: values.category!, proposedLevel: Number(values.level), lead: desk.session.agency,
        },
      }),
  };
}

function policeDeeds(desk: Desk, subject: string, events: EventView[]): Deed[] {
  const started = events.find((event) => event.type === "concordat.police.v1.ManagementStarted");
  const managementRef = started && data<{ managementRef: string }>(started).managementRef;
  const deeds = [referralDeed(subject, events), notifyDeed(desk, subject)];
  if (managementRef) {
    deeds.unshift({
      id: "visit", title: "Record a visit",
      fields: [
        ...kWhen,
        { name: "mode", label: "Where?", kind: "radios", options: choices("visit-mode"), needed: "Choose where" },
        { name: "seen", label: "Was the person seen?", kind: "radios", options: [["yes", "Yes"], ["no", "No"]], needed: "Say whether the person was seen" },
        { name: "with", label: "Together with", kind: "checks", options: agencyChoices(partiesOf(desk).filter((name) => name !== desk.session.agency)) },
        { name: "codes", label: "What was seen there", kind: "checks", options: choices("environment-code") },
      ],
      submit: "Record the visit",
      send: (values, request) =>
        police.recordVisit({
          subject, managementRef, command: command(request, { time: momentOf(values) }),
          visit: {
            mode: values.mode!, seen: values.seen === "yes", jointWith: split(values.with),
            environmentCodes: split(values.codes),
          },
        }),
    });
  } else {
    deeds.unshift({
      id: "manage", title: "Begin to manage",
      fields: [{ name: "category", label: "Category", kind: "radios", options: choices("mappa-category"), needed: "Choose the category" }],
      submit: "Begin to manage",
      send: (values, request) =>
        police.startManagement({
          subject, command: command(request),
          management: { category: values.category!, managementRef: newRef("OM", request) },
        }),
    });
  }
  return deeds;
}

function nhsDeeds(desk: Desk, subject: string, events: EventView[]): Deed[] {
  const status = events.find((event) => event.type === "concordat.nhs.v1.RestrictedPatientStatusChanged");
  return [
    {
      id: "patient", title: "State a restricted patient's status",
      intro: "Stated by you: it is shared at once with the agencies of the case.",
      fields: [
        { name: "status", label: "Status", kind: "radios", options: choices("restricted-patient-status"), needed: "Choose the status" },
        { name: "from", label: "From which day?", kind: "date", hint: "Leave it empty for from now." },
      ],
      submit: "State it",
      check: (values) => [
        `Partners are told: ${say("restricted-patient-status", values.status ?? "")}.`,
        ...(values.status === "AWOL" ? ["A critical alert goes to police at once."] : []),
      ],
      send: async (values, request) => {
        const known = await nhs.listDetentions({ subject });
        return nhs.reportRestrictedPatientStatus({
          subject, command: command(request),
          detentionRef: known.detentions[0]?.detentionRef ?? newRef("D", request),
          status: { status: values.status!, effectiveOn: values.from ?? "" },
        });
      },
    },
    {
      id: "disclose", title: "Disclose a statement of risk",
      fields: [
        { name: "code", label: "What is stated?", kind: "radios", options: choices("risk-statement"), needed: "Choose the statement" },
        { name: "by", label: "Approved by", kind: "radios", options: choices("approver-role"), needed: "Choose who approved it" },
        { name: "until", label: "Until", kind: "date", hint: "After this day it is not to be relied on." },
      ],
      submit: "Disclose",
      check: (values) => [
        `Partners in this case are told: ${say("risk-statement", values.code ?? "")}.`,
        "What was disclosed cannot be called back from those who have read it.",
      ],
      send: (values, request) =>
        nhs.discloseRiskInformation({
          subject, command: command(request), disclosureRef: newRef("RI", request),
          disclosure: { code: values.code!, approvedByRole: values.by!, expiresOn: values.until ?? "" },
        }),
    },
    sharingDeed(subject),
    ...(status ? [referralDeed(subject, events)] : [notifyDeed(desk, subject), referralDeed(subject, events)]),
  ];
}

// `only`: what the decision has to say, for something to come of it.
export function sharingDeed(subject: string, only?: { what: string; service: string }): Deed {
  const offered = (list: "sharing-scope" | "service-code", code: string | undefined) =>
    choices(list).filter(([one]) => !code || one === code);
  return {
    id: "share", title: "Decide what may be shared",
    fields: [
      { name: "what", label: "What may leave the board?", kind: "radios", options: offered("sharing-scope", only?.what), needed: "Choose what may be shared" },
      { name: "service", label: "Of which service?", kind: "select", options: offered("service-code", only?.service), needed: "Choose the service" },
      { name: "reason", label: "Why?", kind: "select", options: choices("sharing-reason").slice(0, 4), needed: "Choose why" },
      { name: "until", label: "Until", kind: "date", needed: "Enter the last day" },
    ],
    submit: "Decide",
    check: (values) => [
      `Until ${birthDate(values.until ?? "")} partners hear: ${say("sharing-scope", values.what ?? "")}.`,
      "They never hear of which service.",
    ],
    send: (values, request) =>
      nhs.decideSharing({
        subject, command: command(request),
        decision: {
          decisionRef: newRef("S", request), what: values.what!, serviceCode: values.service!,
          reason: values.reason!, until: values.until!,
        },
      }),
  };
}

function socialWorkDeeds(subject: string, events: EventView[]): Deed[] {
  return [
    {
      id: "breach-report", title: "Send a breach report",
      fields: [
        { name: "authority", label: "To whom?", kind: "radios", options: choices("breach-authority"), needed: "Choose to whom" },
        { name: "reasons", label: "Why?", kind: "checks", options: choices("breach-reason"), needed: "Choose at least one reason" },
      ],
      submit: "Send",
      check: (values) => [
        `It is recorded that a breach report was sent to ${say("breach-authority", values.authority ?? "")}.`,
        "The co-ordinator is alerted.",
      ],
      send: (values, request) =>
        socialwork.submitBreach({
          subject, command: command(request),
          breach: { authority: values.authority!, reasons: split(values.reasons), breachRef: newRef("B", request) },
        }),
    },
    {
      id: "review", title: "Record a review",
      fields: [
        ...kWhen,
        { name: "kind", label: "Kind", kind: "radios", options: choices("review-kind"), needed: "Choose the kind" },
        { name: "view", label: "The person's own view", kind: "radios", options: choices("person-view"), needed: "Say whether the person gave their view" },
        { name: "senior", label: "Was a senior social worker present?", kind: "radios", options: [["yes", "Yes"], ["no", "No"]], needed: "Say whether a senior was present" },
      ],
      submit: "Record the review",
      send: (values, request) =>
        socialwork.recordReview({
          subject, reviewRef: newRef("RV", request), command: command(request, { time: momentOf(values) }),
          review: { kind: values.kind!, personView: values.view!, seniorPresent: values.senior === "yes" },
        }),
    },
    {
      id: "observe", title: "Raise an observation at unpaid work",
      fields: [
        { name: "code", label: "What was seen or heard?", kind: "radios", options: choices("observation-code"), needed: "Choose what it was" },
        { name: "urgency", label: "How soon must somebody act?", kind: "radios", options: choices("urgency"), needed: "Choose how soon" },
      ],
      submit: "Raise it",
      send: (values, request) =>
        socialwork.raiseObservation({
          subject, command: command(request),
          observation: { incidentRef: newRef("OBS", request), code: values.code!, urgency: values.urgency! },
        }),
    },
    referralDeed(subject, events),
  ];
}

// The link between a number and a person is doubted: everything goes on, marked so,
// until two people have decided.
function doubtDeed(subject: string): Deed {
  return {
    id: "doubt", title: "Wrong person? Doubt a number",
    intro: "Alerts go on, marked “identity in doubt”, until two people have decided.",
    fields: [
      { name: "scheme", label: "Which number?", kind: "select", options: choices("identifier-scheme"), needed: "Choose which number" },
      { name: "number", label: "Number", kind: "line", hint: "The whole number.", needed: "Enter the number" },
      { name: "note", label: "Why do you doubt it?", kind: "words", max: 500, hint: "It stays with the register of who is who.", needed: "Say why" },
    ],
    submit: "Doubt it",
    send: (values, request) =>
      identity.openReview({
        kind: "LINK_DOUBTED", subject, command: command(request),
        identifiers: [{ scheme: values.scheme!, value: values.number!.trim() }],
        note: values.note!.trim(),
      }),
  };
}

export function deedsFor(
  desk: Desk,
  subject: string,
  record: GetCaseResponse | undefined,
  events: EventView[],
): Deed[] {
  switch (desk.session.role) {
    case "coordinator":
      return [...coordinatorDeeds(desk, subject, record), doubtDeed(subject)];
    case "police":
      return [...policeDeeds(desk, subject, events), doubtDeed(subject)];
    case "nhs-liaison":
      return [...nhsDeeds(desk, subject, events), doubtDeed(subject)];
    case "supervising-officer":
      return [...socialWorkDeeds(subject, events), doubtDeed(subject)];
    default:
      return [];
  }
}

export function Deeds(props: {
  desk: Desk;
  subject: string;
  record: GetCaseResponse | undefined;
  events: EventView[];
  done: (position: bigint) => void;
}) {
  const { desk, subject } = props;
  const [open, setOpen] = useState("");
  const deeds = deedsFor(desk, subject, props.record, props.events);
  if (deeds.length === 0) return null;
  return (
    <section class="cc-noprint">
      <h2>Do</h2>
      <ul>
        {deeds.map((deed) => (
          <li key={deed.id}>
            <button
              type="button"
              class="cc-link"
              aria-expanded={open === deed.id}
              onClick={() => setOpen(open === deed.id ? "" : deed.id)}
            >
              {deed.title}
            </button>
            {open === deed.id && (
              <DeedForm
                desk={desk}
                deed={deed}
                about={subject}
                close={() => setOpen("")}
                done={props.done}
              />
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

export function DeedForm(props: {
  desk: Desk;
  deed: Deed;
  // What it is about, for its draft.
  about: string;
  close: () => void;
  done: (position: bigint) => void;
}) {
  const { deed, desk } = props;
  return (
    <Form
      id={deed.id}
      title={deed.title}
      intro={deed.intro ? <p>{deed.intro}</p> : undefined}
      draft={`${deed.id}-${props.about}`}
      fields={deed.fields}
      submit={deed.submit}
      {...(deed.check ? { check: deed.check } : {})}
      run={async (values, request) => {
        const reply = await deed.send(values, request);
        props.close();
        desk.announcement = `${deed.title}: done.`;
        desk.loadCases(reply.position);
        desk.redraw();
        props.done(reply.position);
        document.getElementById("told")?.focus();
      }}
      cancel={props.close}
    />
  );
}
