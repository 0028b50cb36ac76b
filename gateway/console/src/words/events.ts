// What happened, one sentence for each type of event, past tense, no codes.
import type { GlassBrokenJson, GlassReviewedJson } from "../../gen/concordat/access/v1/events_pb";
import type { OrderImposedJson } from "../../gen/concordat/court/v1/events_pb";
import type * as mappa from "../../gen/concordat/mappa/v1/events_pb";
import type * as nhs from "../../gen/concordat/nhs/v1/events_pb";
import type * as police from "../../gen/concordat/police/v1/events_pb";
import type { ReleasedJson } from "../../gen/concordat/prison/v1/events_pb";
import type * as work from "../../gen/concordat/socialwork/v1/events_pb";
import { say, type CodeList } from "./codes";
import { birthDate } from "./dates";
import { agency, capital } from "./names";

// A CloudEvent as the gateway gives it: the caller's view.
export interface EventView {
  id: string;
  source: string;
  type: string;
  subject?: string;
  time: string;
  timeprecision?: string;
  recordedtime?: string;
  acceptedtime: string;
  controller?: string;
  basis?: string;
  corrects?: string;
  retracts?: string;
  sequence: string | number;
  withheld?: string[];
  faults?: string[];
  data?: Record<string, unknown>;
}

function coded(list: CodeList, code: string | undefined): string {
  return code ? say(list, code) : "";
}

// "words: a, b", or "words" when there is nothing to add.
function add(words: string, ...more: (string | undefined | false | 0)[]): string {
  const said = more.filter((one): one is string => Boolean(one));
  return said.length ? `${words}: ${said.join(", ")}` : words;
}

function many(list: CodeList, values: string[] | undefined): string {
  return (values ?? []).map((code) => say(list, code)).join(", ");
}

function agencies(names: string[] | undefined): string {
  return (names ?? []).map(agency).join(", ");
}

// "supervision 24 months"
function requirement(code: string, d: OrderImposedJson): string {
  const words = say("order-requirement", code);
  if (code === "SUPERVISION" && d.supervisionMonths) return `${words} ${d.supervisionMonths} months`;
  if (code === "UNPAID_WORK" && d.unpaidWorkHours) return `${words} ${d.unpaidWorkHours} hours`;
  return words;
}

type Sentence = (data: never) => string;

const kSentences: Record<string, Sentence> = {
  "concordat.access.v1.GlassBroken": (d: GlassBrokenJson) =>
    add("Opened without an interest", coded("break-glass-reason", d.reason), d.words),
  "concordat.access.v1.GlassReviewed": (d: GlassReviewedJson) =>
    add("An opening without an interest was reviewed", coded("break-glass-outcome", d.outcome), d.words),
  "concordat.access.v1.PersonOpened": () => "Opened by somebody whom no alert had led here",
  "concordat.police.v1.ManagementStarted": (d: police.ManagementStartedJson) =>
    add("Police began to manage the person", coded("mappa-category", d.category)),
  "concordat.police.v1.AddressChanged": (d: police.AddressChangedJson) =>
    add("The address changed", coded("address-basis", d.basis),
      d.effectiveOn && `from ${birthDate(d.effectiveOn)}`),
  "concordat.police.v1.VisitRecorded": (d: police.VisitRecordedJson) =>
    add(coded("visit-mode", d.mode) || "Visit",
      d.seen === undefined ? "" : d.seen ? "the person was seen" : "the person was not seen",
      d.jointWith?.length && `with ${agencies(d.jointWith)}`,
      many("environment-code", d.environmentCodes)),
  "concordat.police.v1.ChargeRecorded": (d: police.ChargeRecordedJson) =>
    `${add("Charged", coded("offence-group", d.offenceGroup), coded("charge-disposal", d.disposal))}. Outcome not known`,
  "concordat.police.v1.ConcernShared": (d: police.ConcernSharedJson) =>
    add("Police shared a concern", coded("concern-type", d.concernType)),
  "concordat.police.v1.DomesticIncidentRecorded": (d: police.DomesticIncidentRecordedJson) =>
    add("Police recorded a domestic incident", coded("incident-role", d.role),
      Boolean(d.repeatCount && d.repeatCount > 1) && `number ${d.repeatCount}`),
  "concordat.court.v1.OrderImposed": (d: OrderImposedJson) =>
    add(`${coded("order-type", d.orderType) || "An order"} imposed`,
      ...(d.requirements ?? []).map((code) => requirement(code, d))),
  "concordat.prison.v1.Released": (d: ReleasedJson) => {
    const words = coded("release-type", d.releaseType);
    return words ? `${words.charAt(0).toUpperCase()}${words.slice(1)}` : "Released";
  },
  "concordat.socialwork.v1.AssessmentCompleted": (d: work.AssessmentCompletedJson) =>
    add(`Assessment completed${d.tool ? `, ${say("assessment-tool", d.tool)}` : ""}`,
      coded("assessment-level", d.level), Boolean(d.total) && `total ${d.total}`,
      Boolean(d.overridden) && `overridden (${coded("override-reason", d.overrideReason)})`),
  "concordat.socialwork.v1.FirstContactMade": (d: work.FirstContactMadeJson) =>
    `First contact of the order, ${coded("contact-mode", d.mode)}`,
  "concordat.socialwork.v1.ContactRecorded": (d: work.ContactRecordedJson) =>
    add(`Supervision appointment ${coded("contact-mode", d.mode)}`,
      coded("contact-outcome", d.outcome), coded("excuse-reason", d.excusedReason)),
  "concordat.socialwork.v1.ReviewHeld": (d: work.ReviewHeldJson) =>
    add(`${coded("review-kind", d.kind)} review held`.trim(), coded("person-view", d.personView)),
  "concordat.socialwork.v1.BreachSubmitted": (d: work.BreachSubmittedJson) =>
    add(`Social work sent a breach report to ${coded("breach-authority", d.authority) || "the authority"}`,
      many("breach-reason", d.reasons)),
  "concordat.socialwork.v1.UnpaidWorkObservationRaised": (d: work.UnpaidWorkObservationRaisedJson) =>
    add("A supervisor of unpaid work raised a concern", coded("observation-code", d.code)),
  "concordat.nhs.v1.SharingDecided": (d: nhs.SharingDecidedJson) =>
    add("Sharing decided", coded("sharing-scope", d.what), coded("service-code", d.serviceCode),
      coded("sharing-reason", d.reason), d.until && `until ${birthDate(d.until)}`),
  "concordat.nhs.v1.SharingEnded": (d: nhs.SharingEndedJson) =>
    add("A sharing decision was ended", coded("sharing-reason", d.reason)),
  "concordat.nhs.v1.AppointmentMissed": (d: nhs.AppointmentMissedJson) =>
    add("An appointment was not kept", coded("service-code", d.serviceCode)),
  "concordat.nhs.v1.AppointmentAttended": (d: nhs.AppointmentAttendedJson) =>
    add("An appointment was kept", coded("service-code", d.serviceCode)),
  "concordat.nhs.v1.EngagementReported": (d: nhs.EngagementReportedJson) =>
    `The person is ${coded("engagement", d.engagement)} an agreed service`,
  "concordat.nhs.v1.RestrictedPatientStatusChanged": (d: nhs.RestrictedPatientStatusChangedJson) =>
    add(`Restricted patient: ${coded("restricted-patient-status", d.status)}`,
      d.effectiveOn && `from ${birthDate(d.effectiveOn)}`),
  "concordat.nhs.v1.RiskInformationDisclosed": (d: nhs.RiskInformationDisclosedJson) =>
    add("Statement of risk", coded("risk-statement", d.code),
      d.approvedByRole && `approved by ${say("approver-role", d.approvedByRole)}`),
  "concordat.mappa.v1.NotificationReceived": (d: mappa.NotificationReceivedJson) =>
    add("Notified to the co-ordinator", coded("mappa-category", d.category),
      Boolean(d.proposedLevel) && `Level ${d.proposedLevel} proposed`),
  "concordat.mappa.v1.ReferralSubmitted": (d: mappa.ReferralSubmittedJson) =>
    add("Referred", coded("mappa-category", d.category),
      Boolean(d.levelSought) && `Level ${d.levelSought} sought`, coded("referral-reason", d.reason)),
  "concordat.mappa.v1.ReferralDecided": (d: mappa.ReferralDecidedJson) =>
    add(`The referral was ${coded("referral-decision", d.decision) || "decided"}`,
      Boolean(d.level) && `Level ${d.level}`, coded("referral-reason", d.reason)),
  "concordat.mappa.v1.CaseOpened": (d: mappa.CaseOpenedJson) =>
    add("The case was opened", d.lead && `${agency(d.lead)} leads`,
      d.parties?.length && `with ${agencies(d.parties.filter((one) => one !== d.lead))}`),
  "concordat.mappa.v1.LeadChanged": (d: mappa.LeadChangedJson) =>
    `${d.lead ? agency(d.lead) : "Another agency"} leads the case now`,
  "concordat.mappa.v1.PartyJoined": (d: mappa.PartyJoinedJson) =>
    `${d.agency ? agency(d.agency) : "An agency"} joined the case`,
  "concordat.mappa.v1.PartyLeft": (d: mappa.PartyLeftJson) =>
    `${d.agency ? agency(d.agency) : "An agency"} left the case`,
  "concordat.mappa.v1.CaseClosed": (d: mappa.CaseClosedJson) =>
    add("The case was closed", coded("case-close-reason", d.reason)),
  "concordat.mappa.v1.LevelChanged": (d: mappa.LevelChangedJson) =>
    d.fromLevel
      ? `Level changed from ${d.fromLevel} to ${d.toLevel ?? 0}`
      : add("Level decided", Boolean(d.toLevel) && levelWords(d.toLevel!)),
  "concordat.mappa.v1.MeetingHeld": (d: mappa.MeetingHeldJson) =>
    add(`${coded("meeting-kind", d.kind)} meeting held${d.level ? `, ${levelWords(d.level)}` : ""}`.trim(),
      d.present?.length && `present ${agencies(d.present)}`,
      d.writtenReturn?.length && `in writing ${agencies(d.writtenReturn)}`,
      d.rosh && `risk of serious harm ${say("rosh-band", d.rosh)}`,
      d.reviewOn && `review on ${birthDate(d.reviewOn)}`),
};

// Every type that has a sentence: a test holds this against the protos.
export const spokenTypes = Object.keys(kSentences);

export function levelWords(level: number): string {
  return level === 3 ? "Level 3 (MAPPP)" : `Level ${level}`;
}

// "concordat.police.v1.ChargeRecorded": "Charge recorded"
export function typeWords(type: string): string {
  return capital((type.split(".").pop() ?? type).replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase());
}

export function sentence(event: EventView): string {
  const words = kSentences[event.type]?.((event.data ?? {}) as never);
  return words === undefined ? typeWords(event.type) : capital(words);
}
