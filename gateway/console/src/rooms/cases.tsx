// Cases: what is to be decided first, then the cases themselves, the highest level
// first.
import { useState } from "preact/hooks";
import type { Notification, Referral } from "../../gen/concordat/mappa/v1/service_pb";
import { isCoordinator, type Desk } from "../hub/desk";
import { mappa } from "../hub/services";
import { Loading, Problem, Section } from "../parts/basics";
import { bornWords, leadWords, personName } from "../parts/person_words";
import { useDesk } from "../parts/use_desk";
import { DeedForm, newRef, partiesOf, type Deed } from "../person/deeds";
import { choices, say } from "../words/codes";
import { dayDifference, dayOf, daysLeft, moment, plainDate, when } from "../words/dates";
import { levelWords } from "../words/events";
import { agency, capital } from "../words/names";

const kLevels: [string, string][] = [1, 2, 3].map((level) => [String(level), levelWords(level)]);

function openDeed(desk: Desk, subject: string, lead: string): Deed {
  const others = partiesOf(desk).filter((name) => name !== lead);
  return {
    id: "open-case", title: "Open the case",
    fields: [
      {
        name: "parties", label: `Which agencies are involved besides ${agency(lead)}, which leads?`,
        kind: "checks", options: others.map((name) => [name, agency(name)]),
      },
      { name: "level", label: "Level", kind: "radios", options: kLevels, needed: "Choose the level" },
    ],
    submit: "Open the case",
    check: (values) => [
      `${agency(lead)} leads, at ${levelWords(Number(values.level))}.`,
      ...values.parties!.split(",").filter(Boolean).map((name) =>
        `${agency(name)} sees from then on what the agreement gives it of this person.`),
    ],
    send: async (values, request) => {
      const caseRef = newRef("C", request);
      const opened = await mappa.openCase({
        subject, command: { requestId: request },
        caseOpened: { caseRef, lead, parties: [lead, ...values.parties!.split(",").filter(Boolean)] },
      });
      // Of the same wish: a repeat gets the first answers of both.
      return mappa.changeLevel({
        subject, command: { requestId: `${request}-level` },
        change: { caseRef, fromLevel: 0, toLevel: Number(values.level) },
      }).then((reply) => (reply.position > opened.position ? reply : opened));
    },
  };
}

function decideDeed(referral: Referral): Deed {
  const sought = referral.submitted?.levelSought ?? 0;
  const takes = (values: Record<string, string>) => values.decision === "CHANGED";
  const gives = (values: Record<string, string>) =>
    values.decision === "RETURNED" || values.decision === "DECLINED";
  return {
    id: "decide", title: "Decide the referral",
    fields: [
      { name: "decision", label: "Decision", kind: "radios", options: choices("referral-decision"), needed: "Choose the decision" },
      { name: "level", label: "At which level?", kind: "radios", options: kLevels, needed: "Choose the level", when: takes },
      { name: "reason", label: "Why?", kind: "select", options: choices("referral-reason"), needed: "Choose why", when: gives },
    ],
    submit: "Decide",
    check: (values) => [
      `The referral is ${say("referral-decision", values.decision ?? "")}${
        values.decision === "ACCEPTED" ? ` at ${levelWords(sought)}` : takes(values) ? `: ${levelWords(Number(values.level))}` : ""}.`,
      `${agency(referral.from)} is told.`,
    ],
    send: (values, request) =>
      mappa.decideReferral({
        subject: referral.subject,
        command: { requestId: request, expectedVersion: referral.version },
        decision: {
          referralRef: referral.referralRef, decision: values.decision!,
          level: values.decision === "ACCEPTED" ? sought : takes(values) ? Number(values.level) : 0,
          reason: gives(values) ? values.reason! : "",
        },
      }),
  };
}

function Waiting(props: {
  desk: Desk;
  subject: string;
  words: string;
  since: Date | undefined;
  deeds: Deed[];
}) {
  const { desk, subject } = props;
  const [open, setOpen] = useState<Deed | undefined>();
  return (
    <li class="cc-line">
      <p>
        <a href={`#/person/${subject}`}>{personName(desk, subject)}</a>
        {bornWords(desk, subject) && `, ${bornWords(desk, subject)}`}: {props.words}
        {props.since && `, ${when(props.since, desk.now())}`}
      </p>
      {!open && props.deeds.length > 0 && (
        <div class="ds_button-group cc-buttons">
          {props.deeds.map((deed) => (
            <button key={deed.id} type="button" class="ds_button ds_button--small" onClick={() => setOpen(deed)}>
              {deed.title}
              <span class="visually-hidden"> of {personName(desk, subject)}</span>
            </button>
          ))}
        </div>
      )}
      {open && (
        <DeedForm
          desk={desk}
          deed={open}
          about={subject}
          close={() => setOpen(undefined)}
          done={(position) => desk.loadCases(position)}
        />
      )}
    </li>
  );
}

function sentBy(one: Notification | Referral): string {
  return agency(one.from);
}

export function Cases() {
  const desk = useDesk();
  const failed = desk.problems.get("cases");
  const now = desk.now();
  const decides = isCoordinator(desk.session);
  const undecided = desk.referrals.filter((one) => one.state === "submitted");
  const toOpen = desk.referrals.filter(
    (one) => ["accepted", "changed"].includes(one.state) && !desk.cases.has(one.subject));
  const waiting = desk.notifications.filter((one) => one.state === "waiting");
  const cases = [...desk.cases.values()].sort(
    (a, b) => b.level - a.level || (a.nextReview || "9").localeCompare(b.nextReview || "9"));
  return (
    <>
      <h1>Cases</h1>
      {failed && <Problem what="Cases cannot be shown." problem={failed} again={() => desk.loadCases()} />}
      {!desk.loaded.has("cases") && !failed && <Loading what="cases" />}
      {undecided.length > 0 && (
        <Section id="referrals" title="Referrals to decide" count={undecided.length}>
          <ul class="cc-lines">
            {undecided.map((one) => (
              <Waiting
                key={one.referralRef}
                desk={desk}
                subject={one.subject}
                since={moment(one.submittedAt)}
                words={[
                  `referred by ${sentBy(one)}`,
                  one.submitted?.category && say("mappa-category", one.submitted.category),
                  one.submitted?.levelSought && `${levelWords(one.submitted.levelSought)} sought`,
                  one.submitted?.assessmentRefs.length && `resting on ${one.submitted.assessmentRefs.join(", ")}`,
                ].filter(Boolean).join(", ")}
                deeds={decides ? [decideDeed(one)] : []}
              />
            ))}
          </ul>
        </Section>
      )}
      {decides && toOpen.length > 0 && (
        <Section id="to-open" title="Accepted, the case to be opened" count={toOpen.length}>
          <ul class="cc-lines">
            {toOpen.map((one) => (
              <Waiting
                key={one.referralRef}
                desk={desk}
                subject={one.subject}
                since={moment(one.decidedAt)}
                words={`referral of ${sentBy(one)} ${say("referral-decision", one.state.toUpperCase())}${
                  one.decided?.level ? `, ${levelWords(one.decided.level)}` : ""}`}
                deeds={[openDeed(desk, one.subject, one.from)]}
              />
            ))}
          </ul>
        </Section>
      )}
      {waiting.length > 0 && (
        <Section id="notifications" title="Notifications to place" count={waiting.length}>
          <ul class="cc-lines">
            {waiting.map((one) => (
              <Waiting
                key={one.notificationRef}
                desk={desk}
                subject={one.subject}
                since={moment(one.receivedAt)}
                words={[
                  `notified by ${sentBy(one)}`,
                  one.received?.category && say("mappa-category", one.received.category),
                  one.received?.proposedLevel && `${levelWords(one.received.proposedLevel)} proposed`,
                  one.received?.completenessPercent !== undefined && `form ${one.received.completenessPercent}% complete`,
                ].filter(Boolean).join(", ")}
                deeds={decides ? [openDeed(desk, one.subject, one.received?.lead || one.from)] : []}
              />
            ))}
          </ul>
        </Section>
      )}
      {desk.loaded.has("cases") && (
        <Section id="open" title="Open cases" count={cases.length}>
          {cases.length === 0 && <p class="cc-nothing">There is no case that is shared with you.</p>}
          {cases.length > 0 && (
            <table class="cc-stack">
              <caption class="visually-hidden">Open cases, the highest level first</caption>
              <thead>
                <tr>
                  <th scope="col">Person</th>
                  <th scope="col">Level</th>
                  <th scope="col">Category</th>
                  <th scope="col">Risk of serious harm</th>
                  <th scope="col">Lead</th>
                  <th scope="col">Involved</th>
                  <th scope="col">Next review</th>
                </tr>
              </thead>
              <tbody>
                {cases.map((one) => {
                  const review = dayOf(one.nextReview);
                  const since = moment(one.levelSince);
                  return (
                    <tr key={one.caseRef}>
                      <th scope="row">
                        <a href={`#/person/${one.subject}`}>{personName(desk, one.subject)}</a>
                        {one.lookAgain && (
                          <>
                            {" "}
                            <span class="cc-tag">Look at it again</span>
                          </>
                        )}
                      </th>
                      <td data-label="Level">
                        {one.level ? levelWords(one.level) : "Not decided"}
                        {since && <span class="cc-small"> since {plainDate(since)}</span>}
                      </td>
                      <td data-label="Category">{one.category ? say("mappa-category", one.category) : "–"}</td>
                      <td data-label="Risk of serious harm">{one.rosh ? capital(say("rosh-band", one.rosh)) : "–"}</td>
                      <td data-label="Lead">{leadWords(desk, one.subject)}</td>
                      <td data-label="Involved">
                        {one.parties.filter((name) => name !== one.lead).map(agency).join(", ") || "–"}
                      </td>
                      <td data-label="Next review">
                        {review ? (
                          <>
                            {plainDate(review)}
                            {dayDifference(review, now) <= 28 && (
                              <span class={daysLeft(review, now).overdue ? "cc-overdue" : "cc-left"}> {daysLeft(review, now).words}</span>
                            )}
                          </>
                        ) : "–"}
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          )}
        </Section>
      )}
    </>
  );
}
