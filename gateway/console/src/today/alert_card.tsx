// One alert, in the order in which it is read: who, standing, what happened, when, by
// when, what can be done, why.
import { useEffect, useState } from "preact/hooks";
import type { Acceptance, Alert, Doer } from "../../gen/concordat/alerts/v1/service_pb";
import type { Desk } from "../hub/desk";
import { list, More, Severity } from "../parts/basics";
import { bornWords, leadWords, personName, standingWords } from "../parts/person_words";
import { clockOrWhen, daysLeft, dayWords, due, lastDay, moment, when } from "../words/dates";
import { addressee, capital } from "../words/names";
import { ActForm } from "./act_form";
import { forInformation, isNotAccepted } from "./alert_book";
import { actsOn, actWords, type Act } from "./acts";
import { DoerName } from "./doer";

// Of what reaches its end (deploy/rules/r23.textproto).
const kEndRule = "R23";

export function AlertCard({ desk, alert, onPerson }: { desk: Desk; alert: Alert; onPerson?: boolean }) {
  const [open, setOpen] = useState<Act | undefined>();
  useEffect(() => {
    if (alert.state === "raised") desk.shown(alert);
  }, [alert.alertRef, alert.state]);
  const acts = actsOn(alert);
  const now = desk.now();
  return (
    <article
      class={`cc-card cc-card--${alert.severity.toLowerCase()}`}
      aria-labelledby={`${alert.alertRef}-title`}
      id={alert.alertRef}
    >
      <p class="cc-card__top">
        <Severity severity={alert.severity} />
        <Limit alert={alert} now={now} />
      </p>
      <h3 id={`${alert.alertRef}-title`}>
        {onPerson ? <span>{alert.headline}</span> : <PersonTitle desk={desk} alert={alert} />}
      </h3>
      {!onPerson && <Standing desk={desk} alert={alert} />}
      {!onPerson && <p class="cc-happened">{alert.headline}</p>}
      <Flags alert={alert} now={now} />
      <Times alert={alert} now={now} />
      <Past desk={desk} alert={alert} now={now} />
      {open === undefined && acts.length > 0 && (
        <div class="ds_button-group cc-buttons">
          {acts.map((act, index) => (
            <button
              key={act}
              type="button"
              class={`ds_button ds_button--small ${index > 0 || forInformation(alert) ? "ds_button--secondary" : ""}`}
              aria-describedby={`${alert.alertRef}-title`}
              onClick={() => setOpen(act)}
            >
              {actWords[act]}
            </button>
          ))}
        </div>
      )}
      {open && (
        <ActForm desk={desk} alert={alert} act={open} close={() => setOpen(undefined)} />
      )}
      <Why alert={alert} now={now} />
    </article>
  );
}

// What an alert is about that is about nobody.
export function aboutNobody(alert: Alert): string {
  return alert.rule === kEndRule ? "About an agreement, not a person" : "About a source, not a person";
}

function PersonTitle({ desk, alert }: { desk: Desk; alert: Alert }) {
  const born = bornWords(desk, alert.subject);
  if (!alert.subject) return <span>{aboutNobody(alert)}</span>;
  return (
    <>
      <a href={`#/person/${alert.subject}?from=${alert.alertRef}`}>
        {personName(desk, alert.subject, alert.localsubject)}
      </a>
      {born && <span class="cc-plain">, {born}</span>}
    </>
  );
}

function Standing({ desk, alert }: { desk: Desk; alert: Alert }) {
  const standing = standingWords(desk, alert.subject);
  const lead = leadWords(desk, alert.subject);
  if (!standing && !lead) return null;
  return (
    <p class="cc-standing">
      {standing && `${standing}. `}
      {lead && `Lead: ${lead}`}
    </p>
  );
}

function Limit({ alert, now }: { alert: Alert; now: Date }) {
  const limit = moment(alert.acceptBy);
  if (!["raised", "shown"].includes(alert.state) || alert.copy) return null;
  const words = limit && due(limit, now).words;
  if (isNotAccepted(alert, now)) {
    return <strong class="cc-overdue">{words ? `Not accepted: ${words}` : "Not accepted"}</strong>;
  }
  return words ? <strong class="cc-limit">Accept {words}</strong> : null;
}

function Flags({ alert, now }: { alert: Alert; now: Date }) {
  const flags: string[] = [];
  if (alert.identityInDoubt) {
    flags.push("Identity in doubt: what is said here may be about another person.");
  }
  if (alert.notKnown) flags.push(`Not known: ${alert.notKnown}`);
  const escalated = moment(alert.escalatedAt);
  if (escalated && alert.state !== "closed") {
    flags.push(`Nobody accepted in time, so more people were told ${when(escalated, now)}.`);
  }
  if (forInformation(alert)) flags.push("For your information: somebody else acts on this.");
  const withdrawn = moment(alert.withdrawnAt);
  if (withdrawn) {
    flags.push(`Withdrawn ${clockOrWhen(withdrawn, now)}: ${alert.withdrawnBecause}.`);
  }
  return (
    <>
      {flags.map((flag) => (
        <p class="cc-flag" key={flag}>
          {flag}
        </p>
      ))}
    </>
  );
}

const kAboutDay = 3;

function Times({ alert, now }: { alert: Alert; now: Date }) {
  const happened = moment(alert.happenedAt);
  const knew = moment(alert.knownAt) ?? moment(alert.raisedAt);
  if (!knew) return null;
  // A day is all that the source gave.
  const dayOnly = Number(alert.happenedPrecision) >= kAboutDay;
  return (
    <p class="cc-times">
      {happened &&
        `Happened ${dayOnly ? when(happened, now).replace(/ \d\d:\d\d$/, "") : when(happened, now)}. `}
      {`Concordat knew ${happened ? clockOrWhen(knew, now) : when(knew, now)}.`}
    </p>
  );
}

// Who did what so far.
function Past({ desk, alert, now }: { desk: Desk; alert: Alert; now: Date }) {
  const { acceptances, passedOn, disputes } = alert;
  if (acceptances.length + passedOn.length + disputes.length === 0) return null;
  const act = (doer: Doer | undefined, micros: bigint, what: string) => (
    <li key={`${what}${micros}`}>
      <DoerName doer={doer} session={desk.session} />
      {atWords(micros, now)}, {what}
    </li>
  );
  return (
    <ul class="cc-past">
      <Acceptances desk={desk} alert={alert} now={now} among="accepted" />
      {passedOn.map((one) =>
        act(one.doer, one.at, `passed on to ${addressee(one.to)}${one.words && `: “${one.words}”`}`))}
      {disputes.map((one) => act(one.doer, one.at, `said this is wrong: “${one.reason}”`))}
    </ul>
  );
}

// ", today 08:40"
function atWords(micros: bigint, now: Date): string {
  const at = moment(micros);
  return at ? `, ${when(at, now)}` : "";
}

// A line for each who accepted: what they said, and by when it is to be done. `among`
// names the act where other acts stand beside it.
export function Acceptances(props: { desk: Desk; alert: Alert; now: Date; among?: string }) {
  const { desk, alert, now } = props;
  const open = !["closed", "withdrawn"].includes(alert.state);
  return (
    <>
      {alert.acceptances.map((one) => {
        const left = open ? limitWords(one, now) : undefined;
        return (
          <li key={`${one.by}${one.at}`}>
            <DoerName doer={one.doer} session={desk.session} />
            {atWords(one.at, now)}
            {props.among && `, ${props.among}`}
            {one.action && `: “${one.action}”`}
            {left && (
              <>
                {one.action ? ". " : ": "}
                <strong class={left.overdue ? "cc-overdue" : "cc-left"}>{left.words}</strong>
              </>
            )}
          </li>
        );
      })}
    </>
  );
}

// What they promised, or what is usual: "7 days left (12 December, as promised)", "Due
// today (the usual limit)".
export function limitWords(one: Acceptance, now: Date) {
  const limit = moment(one.limit);
  if (!limit) return undefined;
  const day = lastDay(limit);
  const { words, overdue } = daysLeft(day, now);
  const which = one.actBy ? "as promised" : "the usual limit";
  const named = words.endsWith("left") ? `${dayWords(day, now)}, ${which}` : which;
  return { words: `${capital(words)} (${named})`, overdue };
}

function Why({ alert, now }: { alert: Alert; now: Date }) {
  const lines = [...new Set(alert.evidence.flatMap((one) => one.agreementLines))];
  return (
    <div class="cc-why">
      <More summary="Why am I seeing this?">
        {alert.ruleWords && <p>{alert.ruleWords}</p>}
        <ul>
          {alert.evidence.map((fact) => {
            const at = moment(fact.time);
            const known = moment(fact.acceptedTime);
            return (
              <li key={fact.event}>
                {fact.words}
                {known && at && known.getTime() - at.getTime() > 3_600_000 && (
                  <span class="cc-small"> (known {when(known, now)})</span>
                )}
              </li>
            );
          })}
        </ul>
        <p class="cc-small">
          {alert.addressees.length > 0 && `It went to ${list(alert.addressees.map(addressee))}. `}
          {lines.length > 0 && `By ${list(lines)}. `}
          {`Rule ${alert.rule}, reference ${alert.alertRef}.`}
        </p>
      </More>
      {alert.notShared.length > 0 && (
        <p class="cc-small">Not shared with you: {list(alert.notShared)}</p>
      )}
    </div>
  );
}
