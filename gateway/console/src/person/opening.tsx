// A person opened without an interest: asked for with a reason, open for as long as the
// hub says, with the time that is left; told to others at once.
import { useEffect, useState } from "preact/hooks";
import type { GlassBroken } from "../../gen/concordat/access/v1/events_pb";
import { isOperator, type Desk } from "../hub/desk";
import { glass } from "../hub/services";
import { Form } from "../parts/form";
import { choices, say } from "../words/codes";
import { clockOrWhen, due, moment } from "../words/dates";

const kTickMs = 5_000;
const kMinuteMs = 60_000;

// "41 minutes left", of real time; it is open to the end of its last minute.
export function leftWords(until: Date, now: Date): string {
  const minutes = Math.ceil((until.getTime() - now.getTime()) / kMinuteMs);
  if (minutes <= 0) return "it has ended";
  return minutes === 1 ? "1 minute left" : `${minutes} minutes left`;
}

// Whom nobody signed in stands behind may not.
export function mayOpen(desk: Desk): boolean {
  return !isOperator(desk.session);
}

interface Asked {
  desk: Desk;
  subject: string;
  opened: () => void;
}

export function OpenSection(props: Asked) {
  const [asking, setAsking] = useState(false);
  return (
    <section class="cc-noprint" aria-labelledby="danger-title">
      <h2 id="danger-title">Somebody is in danger</h2>
      <p class="cc-small">Is what you see not enough, and there is no time to ask?</p>
      {asking ? (
        <OpenForm {...props} close={() => setAsking(false)} />
      ) : (
        <button
          type="button"
          class="ds_button ds_button--small ds_button--secondary"
          onClick={() => setAsking(true)}
        >
          Open without an interest
        </button>
      )}
    </section>
  );
}

function OpenForm({ desk, subject, opened, close }: Asked & { close: () => void }) {
  return (
    <Form
      id="open-person"
      title="Open this person without an interest"
      intro={
        <p>
          For when somebody is in danger and there is no time to ask. It is open to you for an hour.
          What is sealed stays sealed.
        </p>
      }
      fields={[
        { name: "reason", label: "Reason", kind: "radios", options: choices("break-glass-reason"), needed: "Choose the reason" },
        {
          name: "words", label: "What has happened, in a sentence", kind: "words", max: 500,
          hint: "For example: a neighbour rang, he is at the school gate now. No names, numbers or addresses.",
          needed: "Say what has happened",
        },
      ]}
      submit="Open"
      check={(values) => [
        `You open this person because of ${say("break-glass-reason", values.reason ?? "")}.`,
        "The co-ordinator and the guardian of your agency are told at once, with your name and what you wrote.",
        "Somebody else looks at it within a working day.",
      ]}
      run={async (values, requestId) => {
        await glass.breakGlass({
          command: { requestId }, subject, reason: values.reason!, words: values.words!.trim(),
        });
        close();
        desk.announcement = "It is open to you. The co-ordinator and your agency's guardian have been told.";
        desk.redraw();
        opened();
        document.getElementById("told")?.focus();
      }}
      cancel={close}
    />
  );
}

// The time that is left, above all that is shown by it.
export function OpeningClock(props: { opening: GlassBroken; ended: () => void }) {
  const { opening } = props;
  const until = moment(opening.until) ?? new Date(0);
  const [now, setNow] = useState(new Date());
  const over = now >= until;
  useEffect(() => {
    const timer = window.setInterval(() => setNow(new Date()), kTickMs);
    return () => window.clearInterval(timer);
  }, []);
  useEffect(() => {
    if (over) props.ended();
  }, [over]);
  const review = moment(opening.reviewBy);
  return (
    <section class="cc-blind" aria-label="Opened without an interest">
      <p>
        <strong>
          Opened without an interest: <span role="timer">{leftWords(until, now)}</span>
        </strong>
        , until {clockOrWhen(until, now)} by this machine’s own clock.
      </p>
      <p>
        Because of {say("break-glass-reason", opening.reason)}: “{opening.words}” The co-ordinator and
        the guardian of your agency were told at once.
        {review && ` Somebody else looks at it ${due(review, now).words}.`} Reference {opening.openingRef}
      </p>
    </section>
  );
}
