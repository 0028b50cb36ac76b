// The forms of accepting, passing on, disputing, closing, and of knowing that an alert
// does not hold.
import type { Alert } from "../../gen/concordat/alerts/v1/service_pb";
import type { Desk } from "../hub/desk";
import { alerts } from "../hub/services";
import { Form, type FormProps, type Values } from "../parts/form";
import { addressee, capital } from "../words/names";
import type { Act } from "./acts";

const kOutcomes: [string, string][] = [
  ["Action taken", "Action was taken"],
  ["Already known", "It was already known and dealt with"],
  ["Wrong", "It was wrong"],
];

type Shape = Pick<FormProps, "title" | "fields" | "submit" | "intro"> & {
  send: (values: Values, request: string) => Promise<Alert>;
  done: string;
};

function shape(alert: Alert, act: Act): Shape {
  const alertRef = alert.alertRef;
  switch (act) {
    case "accept":
      return {
        title: "Accept: you take this on",
        fields: [
          {
            name: "action", label: "What will be done?", kind: "words", max: 500,
            hint: "For example: child protection told; meeting by 12 December. No names, numbers or addresses.",
            needed: "Say what will be done",
          },
          {
            name: "actBy", label: "By when?", kind: "date",
            hint: "Leave it empty to keep the usual limit.",
          },
        ],
        submit: "Accept",
        done: "Accepted. It now stands under Accepted, not finished.",
        send: (values, requestId) =>
          alerts.acceptAlert({
            alertRef, action: values.action!.trim(), actBy: values.actBy ?? "", command: { requestId },
          }),
      };
    case "pass":
      return {
        title: "Pass on: somebody else sees it as well",
        intro: <p>It stays with you until somebody accepts it. The time to accept does not change.</p>,
        fields: [
          {
            name: "to", label: "To whom?", kind: "radios",
            options: alert.mayPassTo.map((to) => [to, capital(addressee(to))]),
            needed: "Choose who it goes to",
          },
          {
            name: "words", label: "Why?", kind: "words", max: 500,
            hint: "They read this. No names, numbers or addresses.",
            needed: "Say why you pass it on",
          },
        ],
        submit: "Pass on",
        done: "Passed on.",
        send: (values, requestId) =>
          alerts.passAlert({
            alertRef, to: values.to!, words: values.words!.trim(), command: { requestId },
          }),
      };
    case "dispute":
      return {
        title: "This is wrong",
        intro: <p>It stays as it is for everybody else until its source or its owner agrees.</p>,
        fields: [
          {
            name: "reason", label: "What is wrong with it?", kind: "words", max: 500,
            hint: "No names, numbers or addresses.",
            needed: "Say what is wrong",
          },
        ],
        submit: "Send",
        done: "Sent. The owner reads why you hold that it is wrong.",
        send: (values, requestId) =>
          alerts.disputeAlert({ alertRef, reason: values.reason!.trim(), command: { requestId } }),
      };
    case "close":
      return {
        title: "Close: nothing more is to be done",
        fields: [
          {
            name: "kind", label: "How did it end?", kind: "radios", options: kOutcomes,
            needed: "Choose how it ended",
          },
          {
            name: "outcome", label: "What came of it?", kind: "words", max: 480,
            hint: "No names, numbers or addresses.",
            needed: "Say what came of it",
          },
        ],
        submit: "Close",
        done: "Closed.",
        send: (values, requestId) =>
          alerts.closeAlert({
            alertRef, outcome: `${values.kind}: ${values.outcome!.trim()}`, command: { requestId },
          }),
      };
    case "withdrawal":
      return {
        title: "This alert does not hold",
        intro: <p>Say that you know. If you acted on it, undo that or tell whoever did.</p>,
        fields: [],
        submit: "I know it does not hold",
        done: "Recorded that you know.",
        send: (_values, requestId) => alerts.acceptWithdrawal({ alertRef, command: { requestId } }),
      };
  }
}

export function ActForm(props: { desk: Desk; alert: Alert; act: Act; close: () => void }) {
  const { desk, alert, act } = props;
  const { send, done, ...form } = shape(alert, act);
  return (
    <Form
      id={`${alert.alertRef}-${act}`}
      draft={form.fields.length ? `${act}-${alert.alertRef}` : undefined}
      {...form}
      run={async (values, request) => {
        const answer = await send(values, request);
        props.close();
        desk.announcement = done;
        desk.acted(answer);
        document.getElementById("told")?.focus();
      }}
      cancel={props.close}
    />
  );
}
