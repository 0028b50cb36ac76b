// Why somebody sees, or does not see, one event: by which line of which agreement.
import { useState } from "preact/hooks";
import type { ExplainViewResponse } from "../../gen/concordat/bus/v1/service_pb";
import { bus } from "../hub/services";
import { Facts, list } from "../parts/basics";
import { Form } from "../parts/form";
import { useDesk } from "../parts/use_desk";
import { isOperator } from "../hub/desk";
import { moment, when } from "../words/dates";
import { agency, purposeChoices, roleTitle, source } from "../words/names";

const kRoles = [
  "coordinator", "police", "nhs-liaison", "supervising-officer", "lead-officer", "duty-senior",
  "service-manager", "upw-manager",
];

// "concordat.police.v1.ChargeRecorded": "Charge recorded"
export function typeWords(type: string): string {
  const name = (type.split(".").pop() ?? type).replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return name.charAt(0).toUpperCase() + name.slice(1);
}

export function Why({ sequence }: { sequence: string }) {
  const desk = useDesk();
  const [answer, setAnswer] = useState<ExplainViewResponse | undefined>();
  const agencies = [
    ...new Set([
      desk.session.agency,
      ...desk.agreements.flatMap((one) => [one.agreement?.arrangement ?? "", ...(one.agreement?.parties ?? [])]),
    ]),
  ].filter((name) => name && name !== "concordat-operator");
  return (
    <>
      <h1>Why</h1>
      <p>
        Why a recipient sees, or does not see, one thing that was told.{" "}
        {isOperator(desk.session)
          ? "You may ask about everybody; what it says is not shown."
          : "You may ask about your own agency, and about everybody for what your agency told."}
      </p>
      <Form
        id="why"
        title="Ask"
        calm
        fields={[
          {
            name: "what", label: "Which?", kind: "line", value: sequence,
            hint: "Its number in the log, as the history of a person and the exchange show it.",
            needed: "Enter its number",
          },
          {
            name: "agency", label: "For which agency?", kind: "select", value: desk.session.agency,
            options: agencies.map((name) => [name, agency(name)]), needed: "Choose the agency",
          },
          {
            name: "role", label: "In which role?", kind: "select",
            value: kRoles.includes(desk.session.role) ? desk.session.role : "",
            options: kRoles.map((name) => [name, roleTitle(name)]), needed: "Choose the role",
          },
          {
            name: "purpose", label: "For which purpose?", kind: "select",
            options: purposeChoices(desk.session.purposes),
            hint: "Leave it open for any.",
          },
        ]}
        submit="Ask why"
        run={async (values) => {
          const what = values.what!.trim();
          if (!/^\d+$/.test(what) && !what.includes("#")) throw new Error("Enter the number in the log, for example 214.");
          setAnswer(
            await bus.explainView({
              ...(/^\d+$/.test(what) ? { sequence: BigInt(what) } : { event: what }),
              agency: values.agency!, role: values.role!, purpose: values.purpose ?? "",
            }));
          desk.announcement = "The answer is below.";
          desk.redraw();
        }}
      />
      {answer && <Answer answer={answer} now={desk.now()} />}
    </>
  );
}

function Answer({ answer, now }: { answer: ExplainViewResponse; now: Date }) {
  const at = moment(answer.acceptedTime);
  const applies = answer.lines.filter((line) => line.applies);
  const others = answer.lines.filter((line) => !line.applies);
  return (
    <section aria-labelledby="answer-title">
      <h2 id="answer-title">
        {agency(answer.agency)}, {roleTitle(answer.role)}: {answer.seen ? "sees it" : "does not see it"}
      </h2>
      <Facts
        rows={[
          ["What", `${typeWords(answer.type)}, number ${answer.sequence}`],
          ["Told by", source(answer.source)],
          ["Accepted", at ? when(at, now) : "–"],
          ...(answer.because ? ([["Because", answer.because]] as [string, string][]) : []),
          ...(answer.shown.length ? ([["Shown", list(answer.shown)]] as [string, string][]) : []),
          ...(answer.withheld.length ? ([["Not shared", list(answer.withheld)]] as [string, string][]) : []),
        ]}
      />
      {applies.length > 0 && <h3>By these lines</h3>}
      <Lines lines={applies} />
      {others.length > 0 && <h3>Not by these lines</h3>}
      <Lines lines={others} />
    </section>
  );
}

function Lines({ lines }: { lines: ExplainViewResponse["lines"] }) {
  if (lines.length === 0) return null;
  return (
    <ul class="cc-lines">
      {lines.map((line) => (
        <li class="cc-line" key={`${line.agreement}${line.line}`}>
          <p>
            <strong>
              {line.agreement} version {line.version}, {line.line}
            </strong>
            : {line.says}
          </p>
          <p class="cc-small">{line.because}</p>
        </li>
      ))}
    </ul>
  );
}
