// One alert, in the order in which it is read: who, standing, what happened, when, by
// when, what can be done, why.
import { useEffect, useState } from "preact/hooks";
import type { Alert } from "../../gen/concordat/alerts/v1/service_pb";
import type { Desk } from "../hub/desk";
import { list, More, Severity } from "../parts/basics";
import { bornWords, leadWords, personName, standingWords } from "../parts/person_words";
import { clockOrWhen, dayOf, daysLeft, due, lastDay, moment, when } from "../words/dates";
import { addressee } from "../words/names";
import { ActForm } from "./act_form";
import { actsOn, actWords, doerWords, type Act } from "./acts";

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
              class={`ds_button ds_button--small ${index > 0 || alert.copy ? "ds_button--secondary" : ""}`}
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

function PersonTitle({ desk, alert }: { desk: Desk; alert: Alert }) {
  const born = bornWords(desk, alert.subject);
  if (!alert.subject) return <span>About a source, not a person</span>;
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
  // Nobody is left to tell.
  if (!limit) return alert.escalatedAt ? <strong class="cc-overdue">Not accepted</strong> : null;
  const { words, overdue } = due(limit, now);
  return (
    <strong class={overdue ? "cc-overdue" : "cc-limit"}>
      {overdue ? `Not accepted: ${words}` : `Accept ${words}`}
    </strong>
  );
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
  if (alert.copy) flags.push("For your information: somebody else acts on this.");
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
  const lines: string[] = [];
  for (const one of alert.acceptances) {
    const at = moment(one.at);
    const said = one.action ? `: “${one.action}”` : "";
    lines.push(`${doerWords(one.doer, desk.session)}, ${at ? when(at, now) : ""}, accepted${said}`);
  }
  for (const one of alert.passedOn) {
    const at = moment(one.at);
    const said = one.words ? `: “${one.words}”` : "";
    lines.push(
      `${doerWords(one.doer, desk.session)}, ${at ? when(at, now) : ""}, passed on to ${addressee(one.to)}${said}`);
  }
  for (const one of alert.disputes) {
    const at = moment(one.at);
    lines.push(
      `${doerWords(one.doer, desk.session)}, ${at ? when(at, now) : ""}, said this is wrong: “${one.reason}”`);
  }
  const left = actLimit(alert, now);
  if (lines.length === 0) return null;
  return (
    <ul class="cc-past">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
      {left && <li class={left.overdue ? "cc-overdue" : ""}>{left.words}</li>}
    </ul>
  );
}

// By when it is to be done, in words.
export function actLimit(alert: Alert, now: Date) {
  if (alert.state === "closed" || alert.state === "withdrawn") return undefined;
  const promised = alert.acceptances
    .map((one) => dayOf(one.actBy))
    .filter((day): day is Date => day !== undefined)
    .sort((a, b) => a.getTime() - b.getTime())[0];
  const earliest = moment(alert.actBy);
  // Overdue is what was to be done first, by whomever, whatever else was promised.
  const limit = alert.overdue ? earliest : (promised ?? earliest);
  if (!limit) return undefined;
  const words = daysLeft(lastDay(limit), now);
  return { ...words, words: words.words.charAt(0).toUpperCase() + words.words.slice(1) };
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
