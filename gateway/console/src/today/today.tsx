// The page that one works from: one column that reads top to bottom in order of harm,
// and a narrow one beside it.
import { useState } from "preact/hooks";
import type { Alert } from "../../gen/concordat/alerts/v1/service_pb";
import type { Desk } from "../hub/desk";
import { Loading, Section } from "../parts/basics";
import { bornWords, personName } from "../parts/person_words";
import { useDesk } from "../parts/use_desk";
import { clock, clockOrWhen, dayWords, moment, when } from "../words/dates";
import { ActForm } from "./act_form";
import { closedSince, waitingWords } from "./alert_book";
import { aboutNobody, Acceptances, AlertCard } from "./alert_card";
import { actsOn, actWords, type Act } from "./acts";
import { DoerName } from "./doer";
import { DueSection, dueItems } from "./due";
import { Side } from "./side";
import { nothingWords, sendingWords, silentWords } from "./sources";
import { SinceSection } from "./since";

export function Today() {
  const desk = useDesk();
  const now = desk.now();
  const failed = desk.problems.get("alerts");
  const acting = desk.book.in("act");
  const withdrawn = desk.book.in("withdrawn");
  const information = desk.book.in("information");
  const accepted = desk.book.in("accepted");
  const closed = closedSince(desk.book.in("closed"), desk.since());
  const due = dueItems(desk);
  const nothing =
    acting.length + withdrawn.length + information.length + accepted.length + due.length === 0;
  return (
    <div class="cc-columns">
      <div class="cc-main">
        <h1 class="visually-hidden">Today</h1>
        <Blind desk={desk} />
        <Waiting desk={desk} />
        {!desk.loaded.has("alerts") && !failed && <Loading what="alerts" />}
        {failed && (
          <div class="cc-problem" role="alert">
            <p>
              <strong>
                {desk.loaded.has("alerts") ? "Alerts may be out of date." : "Alerts cannot be shown."}
              </strong>{" "}
              {["unavailable", "deadline_exceeded"].includes(failed.code)
                ? "Concordat does not answer." : failed.message}{" "}
              This page goes on trying. Use the telephone list.
            </p>
          </div>
        )}
        {desk.loaded.has("alerts") && (
          <>
            {withdrawn.length > 0 && (
              <Section id="withdrawn" title="Does not hold any more" count={withdrawn.length}>
                {withdrawn.map((alert) => (
                  <AlertCard key={alert.alertRef} desk={desk} alert={alert} />
                ))}
              </Section>
            )}
            {acting.length > 0 && (
              <Section id="act" title="Act now" count={acting.length}>
                {acting.map((alert) => (
                  <AlertCard key={alert.alertRef} desk={desk} alert={alert} />
                ))}
              </Section>
            )}
            {nothing && <p class="cc-nothing">{nothingWords(desk.feeds, now)}</p>}
            {!nothing && acting.length === 0 && (
              <p class="cc-nothing">Nothing is waiting to be accepted by you.</p>
            )}
            {information.length > 0 && (
              <Section id="information" title="For your information: others act" count={information.length}>
                {information.map((alert) => (
                  <AlertCard key={alert.alertRef} desk={desk} alert={alert} />
                ))}
              </Section>
            )}
            {accepted.length > 0 && (
              <Section id="accepted" title="Accepted, not finished" count={accepted.length}>
                <ul class="cc-lines">
                  {accepted.map((alert) => (
                    <AcceptedLine key={alert.alertRef} desk={desk} alert={alert} />
                  ))}
                </ul>
              </Section>
            )}
            <DueSection items={due} />
            {closed.length > 0 && (
              <Section
                id="closed"
                title={desk.lastHere ? "Closed since you were last here" : "Closed in the last day"}
                count={closed.length}
              >
                <ul class="cc-lines">
                  {closed.map((alert) => (
                    <ClosedLine key={alert.alertRef} desk={desk} alert={alert} />
                  ))}
                </ul>
              </Section>
            )}
            <SinceSection desk={desk} />
          </>
        )}
      </div>
      <Side desk={desk} />
    </div>
  );
}

// Before any alert: what this page cannot know. Only when true.
function Blind({ desk }: { desk: Desk }) {
  const now = desk.now();
  const lines = [
    ...(desk.feed.upTo && desk.loaded.has("alerts")
      ? [`Alerts are up to date to ${clockOrWhen(desk.feed.upTo, now)}. Later ones may be missing.`] : []),
    ...desk.feeds.filter((feed) => feed.silentSince !== 0n).map((feed) => silentWords(feed, now)),
  ];
  const failed = desk.problems.get("feeds");
  if (failed) lines.push("It is not known whether every source is sending.");
  if (desk.problems.has("people")) lines.push("Names cannot be shown at the moment.");
  if (desk.problems.has("cases")) lines.push("Cases cannot be read at the moment.");
  const sending = failed ? "" : sendingWords(desk.feeds, now);
  return (
    <>
      {lines.length > 0 && (
        <section class="cc-blind" aria-label="What you cannot see">
          <h2>What you cannot see</h2>
          <ul>
            {lines.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </section>
      )}
      {sending && <p class="cc-sending">{sending}</p>}
    </>
  );
}

function Waiting({ desk }: { desk: Desk }) {
  const words = waitingWords(desk.book.waiting());
  return (
    <div class="cc-waiting" role="status">
      {words && (
        <button
          type="button"
          class="ds_button ds_button--small"
          onClick={() => {
            desk.announcement = "";
            desk.arrange();
            document.getElementById("told")?.focus();
          }}
        >
          {words} – show
        </button>
      )}
    </div>
  );
}

function PersonLink({ desk, alert }: { desk: Desk; alert: Alert }) {
  const born = bornWords(desk, alert.subject);
  return alert.subject ? (
    <a href={`#/person/${alert.subject}?from=${alert.alertRef}`} title={born}>
      {personName(desk, alert.subject, alert.localsubject)}
    </a>
  ) : (
    <span>{aboutNobody(alert)}</span>
  );
}

function AcceptedLine({ desk, alert }: { desk: Desk; alert: Alert }) {
  const [open, setOpen] = useState<Act | "all" | undefined>();
  const now = desk.now();
  return (
    <li id={alert.alertRef} class={`cc-line cc-line--${alert.severity.toLowerCase()}`}>
      <p>
        <PersonLink desk={desk} alert={alert} /> – {alert.headline}
      </p>
      <ul class="cc-past">
        <Acceptances desk={desk} alert={alert} now={now} />
      </ul>
      {open === undefined ? (
        <div class="ds_button-group cc-buttons">
          {actsOn(alert)
            .filter((act) => act === "close")
            .map((act) => (
              <button
                key={act}
                type="button"
                class="ds_button ds_button--small ds_button--secondary"
                onClick={() => setOpen(act)}
              >
                {actWords[act]}
                <span class="visually-hidden">: {personName(desk, alert.subject, alert.localsubject)}</span>
              </button>
            ))}
          <button type="button" class="cc-link" onClick={() => setOpen("all")}>
            Show all<span class="visually-hidden"> of {alert.headline}</span>
          </button>
        </div>
      ) : open === "all" ? (
        <AlertCard desk={desk} alert={alert} />
      ) : (
        <ActForm desk={desk} alert={alert} act={open} close={() => setOpen(undefined)} />
      )}
    </li>
  );
}

function ClosedLine({ desk, alert }: { desk: Desk; alert: Alert }) {
  const now = desk.now();
  const at = moment(alert.closedAt);
  const same = at && dayWords(at, now) === "today";
  return (
    <li class="cc-line">
      <p>
        <PersonLink desk={desk} alert={alert} /> – {alert.headline} Closed{" "}
        {at && (same ? clock(at) : when(at, now))} by{" "}
        <DoerName doer={alert.closedBy} session={desk.session} within />:{" "}
        {alert.outcome}.
      </p>
    </li>
  );
}

export function todayTitle(desk: Desk): string {
  const n = desk.book.in("act").length;
  const fresh = desk.book.waiting().fresh;
  const parts = [n > 0 && `${n} to act on`, fresh > 0 && `${fresh} new`].filter(Boolean);
  return parts.length ? `Today (${parts.join(", ")})` : "Today";
}

