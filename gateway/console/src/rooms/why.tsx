// Why somebody sees, or does not see, one event: by which line of which agreement.
import { useState } from "preact/hooks";
import type { AgreementState, ExplainViewResponse } from "../../gen/concordat/bus/v1/service_pb";
import { bus } from "../hub/services";
import type { Session } from "../hub/session";
import { Facts, list } from "../parts/basics";
import { Form } from "../parts/form";
import { useDesk } from "../parts/use_desk";
import { isOperator } from "../hub/desk";
import { moment, when } from "../words/dates";
import { typeWords } from "../words/events";
import { agency, capital, knownAgency, purposeChoices, role, roleTitle, source } from "../words/names";

// Systems read what their own agency said; nobody asks for them.
const kSystems = ["service", "adapter"];

// Whom the agreements name, as "agency/role", the reader first. A role that goes by two
// names is asked for once.
export function recipients(agreements: AgreementState[], session: Session): [string, string][] {
  const found = new Map<string, string>();
  const add = (name: string, as: string) => {
    if (kSystems.includes(as)) return;
    const words = `${agency(name)}: ${roleTitle(as)}`;
    if (!found.has(words)) found.set(words, `${name}/${as}`);
  };
  if (!isOperator(session)) add(session.agency, session.role);
  for (const { agreement } of agreements) {
    if (!agreement) continue;
    const named = new Set(agreement.see.map((line) => line.to));
    // What goes to "each" names the roles of all; it says who is there only of a party
    // that no other line names.
    const others = [agreement.arrangement, ...agreement.parties].filter((name) => name && !named.has(name));
    for (const line of agreement.see) {
      for (const name of line.to === "each" ? others : [line.to]) {
        for (const as of line.roles) add(name, as);
      }
    }
  }
  return [...found].map(([words, name]) => [name, words]);
}

// A line of an agreement as people read it: agencies, roles and types by their names.
// The roles are what stands in its first brackets.
export function plainWords(says: string): string {
  return says
    .replace(/\(([^)]*)\)/, (_, roles: string) => {
      const names = roles.split(", ").filter((one) => !kSystems.includes(one)).map(role);
      if (roles.split(", ").some((one) => kSystems.includes(one))) names.push("its own systems");
      return `(${list([...new Set(names)])})`;
    })
    .replace(/^each /, "Every party ")
    .replace(/^it is not to /, "it is not for ")
    .replace(/concordat\.[\w.]+\*?/g, (type) => `“${typeWords(type)}”`)
    .replace(/[a-z]+(-[a-z]+)+/g, knownAgency);
}

export function Why({ sequence }: { sequence: string }) {
  const desk = useDesk();
  const [answer, setAnswer] = useState<ExplainViewResponse | undefined>();
  const choices = recipients(desk.agreements, desk.session);
  const own = `${desk.session.agency}/${desk.session.role}`;
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
            name: "whom", label: "For whom?", kind: "select",
            value: choices.some(([name]) => name === own) ? own : "",
            options: choices, needed: "Choose for whom",
          },
          {
            name: "purpose", label: "For which purpose?", kind: "select",
            options: purposeChoices(desk.session.purposes), none: "Any purpose",
          },
        ]}
        submit="Ask why"
        run={async (values) => {
          // What was said before is no answer to this.
          setAnswer(undefined);
          desk.announcement = "";
          desk.redraw();
          const what = values.what!.trim();
          if (!/^\d+$/.test(what) && !what.includes("#")) throw new Error("Enter the number in the log, for example 214.");
          const [forAgency = "", forRole = ""] = values.whom!.split("/");
          setAnswer(
            await bus.explainView({
              ...(/^\d+$/.test(what) ? { sequence: BigInt(what) } : { event: what }),
              agency: forAgency, role: forRole, purpose: values.purpose ?? "",
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
            : {plainWords(line.says)}
          </p>
          <p class="cc-small">{capital(plainWords(line.because))}</p>
        </li>
      ))}
    </ul>
  );
}
