// All that the reader may know of one person, and what they may do.
import { useEffect, useRef, useState } from "preact/hooks";
import type { GlassBroken } from "../../gen/concordat/access/v1/events_pb";
import type { PersonDescription } from "../../gen/concordat/identity/v1/service_pb";
import type { GetCaseResponse } from "../../gen/concordat/mappa/v1/service_pb";
import { type Desk } from "../hub/desk";
import { personEvents, type PersonEvents } from "../hub/events";
import { HubError } from "../hub/http";
import { forPurpose, glass, identity, mappa, problem } from "../hub/services";
import { choosePurpose, type Session } from "../hub/session";
import { Facts, list, Loading, More, Problem, Section } from "../parts/basics";
import { Form } from "../parts/form";
import { bornWords, leadWords, namesHidden, personName } from "../parts/person_words";
import { useDesk } from "../parts/use_desk";
import { AlertCard } from "../today/alert_card";
import { sectionOf, severityRank } from "../today/alert_book";
import { say } from "../words/codes";
import { dayOf, fullDate, moment, plainDate, when } from "../words/dates";
import { levelWords, type EventView } from "../words/events";
import { lookAgainWords } from "../words/look_again";
import { agency, capital, purpose, purposeChoices, roleTitle } from "../words/names";
import { Deeds } from "./deeds";
import { history, notShared } from "./history";
import { mayOpen, OpeningClock, OpenSection } from "./opening";
import { WhatHappened } from "./what_happened";

const kPersonKey = /^p-[a-z2-7]{26}$/;

interface Loaded {
  // Undefined: nobody whom the reader may know; what is shown is by an opening.
  person: PersonDescription | undefined;
  opening: GlassBroken | undefined;
  record: GetCaseResponse | undefined;
  events: PersonEvents;
  // Of the events alone: the rest of the page stands without them.
  eventsFailure: HubError | undefined;
}

export function Person(props: {
  subject: string;
  from: string;
  changed: (session: Session) => void;
}) {
  const desk = useDesk();
  const { subject } = props;
  const chosen = desk.session.cases?.[subject];
  // Whoever comes from an alert has a task with this person.
  const task = desk.book.alert(props.from)?.subject === subject;
  const [failure, setFailure] = useState<HubError | undefined>();
  const [refused, setRefused] = useState("");

  useEffect(() => {
    if (chosen || !task || !kPersonKey.test(subject)) return;
    choosePurpose(desk.session.purpose, { subject, task: props.from }).then(props.changed, (error) => {
      const told = problem(error);
      // The alert is closed by now, or nobody knows: the reader's own words will do.
      if (["failed_precondition", "unavailable"].includes(told.code)) setRefused(told.message);
      else setFailure(told);
    });
  }, [subject, task, chosen]);

  if (!kPersonKey.test(subject)) {
    return (
      <>
        <h1>No record</h1>
        <p>The address of this page names nobody. <a href="#/find">Find a person</a></p>
      </>
    );
  }
  if (failure) return <Problem what="This person cannot be opened." problem={failure} />;
  if (!chosen && props.from && !desk.loaded.has("alerts") && desk.feed.kind === "starting") {
    return <Loading what="your alerts" />;
  }
  if (!chosen && task && !refused) return <Loading what="this person" />;
  if (!chosen) {
    return (
      <>
        <h1>Why do you open this person?</h1>
        <p>
          {refused || "You have no alert about this person that led you here."} What you say is kept
          with the record of who looked.
        </p>
        <Form
          id="why-person"
          title="Purpose and reason"
          calm
          fields={[
            {
              name: "purpose", label: "Purpose", kind: "radios", value: desk.session.purpose,
              options: purposeChoices(desk.session.purposes),
              needed: "Choose a purpose",
            },
            {
              name: "reason", label: "Reason, in a sentence", kind: "words", max: 500,
              hint: "For example: preparing the meeting of 12 December. No names, numbers or addresses.",
              needed: "Say why you open this person",
            },
          ]}
          submit="Open"
          run={async (values) => {
            props.changed(
              await choosePurpose(values.purpose!, { subject, reason: values.reason!.trim() }));
          }}
        />
      </>
    );
  }
  return <Record key={`${subject}${chosen}`} desk={desk} subject={subject} purposeCode={chosen} />;
}

function Record({ desk, subject, purposeCode }: { desk: Desk; subject: string; purposeCode: string }) {
  const [loaded, setLoaded] = useState<Loaded | undefined>();
  const [failure, setFailure] = useState<HubError | undefined>();

  const opened = useRef(desk.round);
  const turn = useRef(0);
  // What the reader did here stands at this position; nothing older is shown again.
  const done = useRef(0n);

  // `unasked`: nobody at the page asked for it.
  async function load(minPosition = done.current, unasked = false) {
    done.current = minPosition;
    turn.current += 1;
    const mine = turn.current;
    if (!unasked) setFailure(undefined);
    const options = forPurpose(purposeCode, unasked);
    let eventsFailure: HubError | undefined;
    try {
      const [described, record, { opening }, events] = await Promise.all([
        identity.describeMany({ subjects: [subject], purpose: purposeCode }, options),
        mappa.getCase({ subject, minPosition }, options).catch((error) => {
          // Nobody's case, or not this reader's to see: the page says neither.
          if (problem(error).code === "not_found") return undefined;
          throw error;
        }),
        mayOpen(desk) ? glass.getOpening({ subject }, options) : { opening: undefined },
        personEvents(subject, purposeCode, unasked).catch((error) => {
          eventsFailure = problem(error);
          return { events: [], more: false, restricted: [] };
        }),
        desk.know([subject]),
      ]);
      if (turn.current !== mine) return;
      setFailure(undefined);
      const person = described.people[0];
      if (!person && !opening) {
        setFailure(new HubError("not_found", ""));
        setLoaded(undefined);
        return;
      }
      setLoaded({ person, opening, record, events, eventsFailure });
    } catch (error) {
      if (turn.current === mine) setFailure(problem(error));
    }
  }
  useEffect(() => void load(done.current, desk.round !== opened.current), [desk.round]);

  if (failure && !loaded) {
    return (
      <>
        <h1>No record</h1>
        {failure.code === "unavailable" || failure.code === "deadline_exceeded" ? (
          <Problem what="This person cannot be shown now." problem={failure} again={() => void load()} />
        ) : (
          <>
            <p>There is no record of this person that is for you to see. <a href="#/find">Find a person</a></p>
            {failure.code === "not_found" && mayOpen(desk) && (
              <OpenSection desk={desk} subject={subject} opened={() => void load()} />
            )}
          </>
        )}
      </>
    );
  }
  if (!loaded) return <Loading what="this person" />;
  const { person, opening, record, events, eventsFailure } = loaded;
  const now = desk.now();
  const all = history(events.events);
  const open = desk.book
    .all()
    .filter((alert) => alert.subject === subject && !["closed", "none"].includes(sectionOf(alert)))
    .sort((a, b) => severityRank(a.severity) - severityRank(b.severity));
  const hiddenFrom = [...new Set([...notShared(events.events), ...open.flatMap((one) => one.notShared)])];
  return (
    <>
      <h1>
        {person ? personName(desk, subject, person.localsubject) : "A person you may not name"}
        <span class="cc-plain">{bornWords(desk, subject) && `, ${bornWords(desk, subject)}`}</span>
      </h1>
      <p class="cc-small">
        Opened for: {purpose(purposeCode)}. <span class="cc-paper">
          Printed by {desk.session.displayName}, {fullDate(now)}, for {purpose(purposeCode)}.
        </span>
      </p>
      {failure && (
        <Problem what="This page could not be read again: it may be out of date." problem={failure} again={() => void load()} />
      )}
      {opening && <OpeningClock opening={opening} ended={() => void load()} />}
      {person?.inDoubt && (
        <p class="cc-blind">
          <strong>Identity in doubt.</strong> Somebody holds that a number is not this person's.
          What is said here may be about another person.
        </p>
      )}
      {events.restricted.length > 0 && (
        <p class="cc-blind">
          <strong>Restricted.</strong> What {events.restricted.map(agency).join(" and ")} told of
          this person is kept and not used for now, and is shown to nobody else.
        </p>
      )}
      {record && <LookAgain record={record} now={now} />}
      <div class="cc-columns">
        <div class="cc-main">
          {person && <Who person={person} />}
          <Standing desk={desk} subject={subject} record={record} events={events.events} now={now} />
          {open.length > 0 && (
            <Section id="alerts" title="Open alerts" count={open.length}>
              {open.map((alert) => (
                <AlertCard key={alert.alertRef} desk={desk} alert={alert} onPerson />
              ))}
            </Section>
          )}
          <Section id="happened" title="What happened">
            {eventsFailure ? (
              <Problem what="What happened cannot be shown." problem={eventsFailure} again={() => void load()} />
            ) : (
              <WhatHappened all={all} now={now} more={events.more} />
            )}
          </Section>
          <Papers events={events.events} record={record} />
        </div>
        <aside class="cc-side" aria-label="Who is involved, what is not shared, what you can do">
          <Involved desk={desk} subject={subject} />
          {hiddenFrom.length > 0 && (
            <section>
              <h2>Not shared with you</h2>
              <ul>
                {hiddenFrom.map((one) => (
                  <li key={one}>{one}</li>
                ))}
              </ul>
              <p class="cc-small">
                By the agreement, whether or not there is any. Ask the lead agency.
              </p>
            </section>
          )}
          {person && (
            <Deeds desk={desk} subject={subject} record={record} events={events.events} done={load} />
          )}
          {!opening && mayOpen(desk) && (
            <OpenSection desk={desk} subject={subject} opened={() => void load()} />
          )}
          <button type="button" class="ds_button ds_button--secondary ds_button--small cc-noprint" onClick={() => window.print()}>
            Print summary
          </button>
        </aside>
      </div>
      <p class="cc-small">
        A person has rights over what is held about them: each agency that shared it answers for it.
      </p>
    </>
  );
}

function Who({ person }: { person: PersonDescription }) {
  const rows: [string, string][] = [];
  if (person.localsubject) rows.push(["Your own reference", person.localsubject]);
  if (person.otherNames.length > 0 && !namesHidden()) {
    rows.push(["Other names in use", list(person.otherNames.map((one) => `${one.givenName} ${one.familyName}`.trim()))]);
  }
  return (
    <>
      {rows.length > 0 && <Facts rows={rows} />}
      {person.sameBecause.length > 0 && (
        <More summary="This is one person because…">
          <ul>
            {person.sameBecause.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </More>
      )}
    </>
  );
}

// What was decided on something that does not hold any more.
export function LookAgain({ record, now }: { record: GetCaseResponse; now: Date }) {
  if (record.lookAgain.length === 0) return null;
  return (
    <div class="cc-blind">
      <h2>To be looked at again</h2>
      <ul>
        {record.lookAgain.map((one) => (
          <li key={`${one.item}/${one.itemRef}/${one.withdrawnBy}`}>
            {lookAgainWords(one, now)}
            {one.fact !== 0n && (
              <>
                {" "}
                <a class="cc-small cc-noprint" href={`#/why/${one.fact}`}>
                  Why was it seen?<span class="visually-hidden"> Number {one.fact.toString()}</span>
                </a>
              </>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function newest(events: EventView[], type: string): EventView | undefined {
  const gone = new Set(events.map((event) => event.retracts).filter(Boolean));
  return events
    .filter((event) => event.type === type && !gone.has(event.id))
    .sort((a, b) => Date.parse(b.time) - Date.parse(a.time))[0];
}

// One line each, with since when and from whom. What nobody told is left out.
function Standing(props: {
  desk: Desk;
  subject: string;
  record: GetCaseResponse | undefined;
  events: EventView[];
  now: Date;
}) {
  const { desk, subject, events, now } = props;
  const rows: [string, string][] = [];
  const one = props.record?.record;
  if (one) {
    const since = moment(one.levelSince);
    const words = [one.category && say("mappa-category", one.category), one.level && levelWords(one.level)]
      .filter(Boolean).join(", ");
    if (words) rows.push(["MAPPA", `${words}${since ? `, since ${plainDate(since)}` : ""}`]);
    const closed = moment(one.closedAt);
    if (closed) rows.push(["Case", `closed ${plainDate(closed)}: ${say("case-close-reason", one.closeReason)}`]);
  } else {
    rows.push(["MAPPA", "no case that is shared with you"]);
  }
  // Police know it of their own register, also where the notification that told the case
  // of it is not for them.
  const managed = newest(events, "concordat.police.v1.ManagementStarted");
  if (managed) {
    const { category = "" } = (managed.data ?? {}) as { category?: string };
    rows.push(["Managed by police", `${say("mappa-category", category)}, since ${plainDate(new Date(managed.time))}`]);
  }
  const lead = leadWords(desk, subject);
  if (lead) rows.push(["Lead", lead]);
  if (one?.rosh) {
    const at = moment(one.roshAt);
    rows.push(["Risk of serious harm", `${say("rosh-band", one.rosh)}${at ? `, meeting of ${plainDate(at)}` : ""}`]);
  }
  const assessed = new Set<string>();
  const assessments = events
    .filter((event) => event.type === "concordat.socialwork.v1.AssessmentCompleted")
    .sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
  for (const event of assessments) {
    const { tool, level } = (event.data ?? {}) as { tool?: string; level?: string };
    if (!tool || assessed.has(tool)) continue;
    assessed.add(tool);
    rows.push([
      say("assessment-tool", tool),
      `${level ? say("assessment-level", level) : "level not given"}, ${plainDate(new Date(event.time))}`,
    ]);
  }
  const patient = newest(events, "concordat.nhs.v1.RestrictedPatientStatusChanged");
  if (patient) {
    const status = (patient.data as { status?: string } | undefined)?.status;
    rows.push(["Restricted patient", `${say("restricted-patient-status", status ?? "")}, ${when(new Date(patient.time), now)}`]);
  }
  const released = newest(events, "concordat.prison.v1.Released");
  if (released) {
    const type = (released.data as { releaseType?: string } | undefined)?.releaseType;
    rows.push(["In the community", `${say("release-type", type ?? "")}, ${plainDate(new Date(released.time))}`]);
  }
  for (const event of events.filter((each) => each.type === "concordat.court.v1.OrderImposed")) {
    const data = (event.data ?? {}) as { orderType?: string; supervisionMonths?: number; unpaidWorkHours?: number };
    rows.push([
      say("order-type", data.orderType ?? ""),
      [
        `imposed ${plainDate(new Date(event.time))}`,
        data.supervisionMonths && `supervision ${data.supervisionMonths} months`,
        data.unpaidWorkHours && `unpaid work ${data.unpaidWorkHours} hours`,
      ].filter(Boolean).join(", "),
    ]);
  }
  const review = dayOf(one?.nextReview ?? "");
  if (review) rows.push(["Next review", fullDate(review)]);
  return (
    <Section id="standing" title="Standing">
      <Facts rows={rows.map(([name, words]) => [name, capital(words)])} />
    </Section>
  );
}

function Involved({ desk, subject }: { desk: Desk; subject: string }) {
  const involved = desk.involved.get(subject)?.agencies ?? [];
  if (involved.length === 0) return null;
  return (
    <section>
      <h2>Who is involved</h2>
      <ul>
        {involved.map((one) => (
          <li key={one.agency}>
            <strong>{one.unit || agency(one.agency)}</strong>
            {one.lead && " (lead)"}
            {one.contact && (
              <>
                <br />
                {[one.contact.name || roleTitle(one.contact.role), one.contact.telephone].filter(Boolean).join(", ")}
              </>
            )}
            {one.onDuty && (
              <>
                <br />
                <span class="cc-small">
                  Now: {[one.onDuty.name || roleTitle(one.onDuty.role), one.onDuty.telephone].filter(Boolean).join(", ")}
                </span>
              </>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

// Pointers only: the papers are where they belong.
function Papers({ events, record }: { events: EventView[]; record: GetCaseResponse | undefined }) {
  const papers: [string, string][] = [];
  for (const event of events) {
    const data = (event.data ?? {}) as { assessmentRef?: string; tool?: string };
    if (event.type === "concordat.socialwork.v1.AssessmentCompleted" && data.assessmentRef) {
      papers.push([`Assessment ${data.assessmentRef}`, say("assessment-tool", data.tool ?? "")]);
    }
  }
  for (const referral of record?.referrals ?? []) {
    papers.push([`Referral ${referral.referralRef}`, `sent by ${agency(referral.from)}`]);
  }
  for (const notification of record?.notifications ?? []) {
    papers.push([`Notification ${notification.notificationRef}`, `sent by ${agency(notification.from)}`]);
  }
  if (papers.length === 0) return null;
  return (
    <Section id="papers" title="Papers">
      <p class="cc-small">Where they are kept; they are not copied here.</p>
      <Facts rows={papers} />
    </Section>
  );
}
