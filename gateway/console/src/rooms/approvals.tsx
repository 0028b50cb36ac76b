// What one person asked for and another has to agree to: seen, previewed, agreed to or
// refused; and asked for. Whoever agrees says the whole of it once more and makes the very
// call that the first one made, so that two people have each said all of it.
import { useState } from "preact/hooks";
import type { OpenApproval } from "../../gen/concordat/bus/v1/approval_pb";
import { approvals } from "../hub/services";
import { Loading, More, Problem, Section } from "../parts/basics";
import { Form, type Field, type Values } from "../parts/form";
import { useDesk } from "../parts/use_desk";
import { moment, when } from "../words/dates";
import { capital } from "../words/names";
import { actOf, kActs, whatWords, type Preview, type TwoActs } from "./two_people";

// For the record, as the hub takes it.
const kWhyMax = 200;
const kWhy: Field = {
  name: "why", label: "Why, in a few words", kind: "line", max: kWhyMax,
  hint: "It stays in the log for ever. No names, numbers or addresses.",
  needed: "Say why",
};

export function Approvals() {
  const desk = useDesk();
  const [asking, setAsking] = useState("");
  const acts = kActs.filter((act) => desk.agreeKinds.includes(act.kind));
  const failure = desk.problems.get("approvals");
  // Real time, as what it is open for: a story's day says nothing of it.
  const now = new Date();
  function settled(words: string) {
    setAsking("");
    desk.announcement = words;
    desk.loadApprovals();
    desk.redraw();
    document.getElementById("told")?.focus();
  }
  return (
    <>
      <h1>Approvals</h1>
      <p>
        These acts need two people. Who agrees says the whole of it once more: it is done only if
        both have said the same.
      </p>
      {failure && <Problem what="What waits cannot be read." problem={failure} again={() => desk.loadApprovals()} />}
      {!desk.loaded.has("approvals") && !failure && <Loading what="what waits" />}
      {desk.loaded.has("approvals") && (
        <Section id="waiting" title="Waiting for another person" count={desk.waitingActs.length}>
          {desk.waitingActs.length === 0 && <p class="cc-nothing">Nothing waits for another person.</p>}
          <ul class="cc-lines">
            {desk.waitingActs.map((one) => (
              <Waiting key={one.approval} one={one} now={now} settled={settled} />
            ))}
          </ul>
        </Section>
      )}
      {acts.length > 0 && (
        <Section id="ask" title="Ask for an act" class="cc-noprint">
          <ul>
            {acts.map((act) => (
              <li key={act.id}>
                <button
                  type="button"
                  class="cc-link"
                  aria-expanded={asking === act.id}
                  onClick={() => setAsking(asking === act.id ? "" : act.id)}
                >
                  {act.title}
                </button>
                {asking === act.id && (
                  <Say act={act} settled={settled} cancel={() => setAsking("")} />
                )}
              </li>
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

type Doing = "agree" | "refuse" | undefined;

function Waiting(props: { one: OpenApproval; now: Date; settled: (words: string) => void }) {
  const { one, now, settled } = props;
  const [doing, setDoing] = useState<Doing>();
  const until = moment(one.until);
  const act = actOf(one);
  const name = <span class="visually-hidden">: {whatWords(one.what)}</span>;
  return (
    <li class="cc-line" id={one.approval}>
      <p>
        <strong>{capital(whatWords(one.what))}</strong>
      </p>
      <p class="cc-small">
        Asked for by {one.own ? "you" : one.by}: “{one.why}”.
        {until && ` Open until ${when(until, now)}.`} Reference {one.approval}
      </p>
      {one.own && <p>You asked for this: another person has to agree.</p>}
      {!one.own && !act && (
        <p>
          It is agreed to where it is done, at the command line: the same command with{" "}
          <code>--approve {one.approval}</code>.
        </p>
      )}
      {!doing && (
        <div class="ds_button-group cc-buttons">
          {!one.own && act && (
            <button type="button" class="ds_button ds_button--small" onClick={() => setDoing("agree")}>
              Look and agree{name}
            </button>
          )}
          <button
            type="button"
            class="ds_button ds_button--small ds_button--secondary"
            onClick={() => setDoing("refuse")}
          >
            {one.own ? "Take back" : "Refuse"}
            {name}
          </button>
        </div>
      )}
      {doing === "agree" && act && (
        <Say act={act} agreeTo={one} settled={settled} cancel={() => setDoing(undefined)} />
      )}
      {doing === "refuse" && (
        <Form
          id={`refuse-${one.approval}`}
          title={one.own ? "Take it back" : "Refuse: it is not done"}
          fields={[kWhy]}
          submit={one.own ? "Take it back" : "Refuse"}
          run={async (values) => {
            await approvals.refuse({ approval: one.approval, why: values.why!.trim() });
            settled(one.own ? "Taken back: it is not done." : "Refused: it is not done.");
          }}
          cancel={() => setDoing(undefined)}
        />
      )}
    </li>
  );
}

// Says what is to be done; then, what it would do; then asks for it, or, of what another
// asked for, agrees and does it.
function Say(props: {
  act: TwoActs;
  agreeTo?: OpenApproval;
  settled: (words: string) => void;
  cancel: () => void;
}) {
  const { act, agreeTo, settled, cancel } = props;
  const desk = useDesk();
  const [said, setSaid] = useState<Values | undefined>();
  const [preview, setPreview] = useState<Preview | undefined>();
  const id = `${agreeTo ? "agree" : "ask"}-${act.id}`;
  const final = agreeTo ? "Agree, and do it" : "Ask for it";
  const why = agreeTo ? [] : [kWhy];

  async function send(values: Values, count: bigint) {
    const done = await act.send(values, {
      count, approval: agreeTo?.approval ?? "", why: values.why?.trim() ?? "",
    });
    settled(done);
  }
  if (!act.preview) {
    return (
      <Form
        id={id}
        title={act.title}
        intro={act.intro ? <p>{act.intro}</p> : undefined}
        fields={[...act.fields(desk), ...why]}
        submit={final}
        check={(values) => act.check(values)}
        run={(values) => send(values, 1n)}
        cancel={cancel}
      />
    );
  }
  if (!said || !preview) {
    return (
      <Form
        id={id}
        title={act.title}
        intro={act.intro ? <p>{act.intro}</p> : undefined}
        fields={act.fields(desk)}
        submit="Look what it would do"
        run={async (values) => {
          setPreview(await act.preview!(values));
          setSaid(values);
        }}
        cancel={cancel}
      />
    );
  }
  const stands = preview.against.length > 0 || preview.count === 0n;
  const another = agreeTo && agreeTo.count !== preview.count;
  return (
    <div role="status">
      <PreviewLines preview={preview} />
      {another && (
        <p class="cc-problem">
          <strong>It is no longer the same.</strong> Asked for were {agreeTo.count.toString()}; now they are{" "}
          {preview.count.toString()}. Refuse it, and have it asked for anew.
        </p>
      )}
      {stands || another ? (
        <button type="button" class="ds_button ds_button--small ds_button--secondary" onClick={cancel}>
          Close
        </button>
      ) : (
        <Form
          id={`${id}-sure`}
          title={final}
          fields={why}
          submit={final}
          check={() => act.check(said)}
          run={(values) => send({ ...said, ...values }, preview.count)}
          cancel={cancel}
        />
      )}
    </div>
  );
}

function PreviewLines({ preview }: { preview: Preview }) {
  return (
    <>
      <p>
        <strong>{preview.words}</strong>
      </p>
      {preview.against.map((words) => (
        <p class="cc-problem" key={words}>
          <strong>It cannot be done:</strong> {words}.
        </p>
      ))}
      {preview.lines.length > 0 && (
        <More summary="What it is, line by line" open={preview.lines.length <= 12}>
          <ul>
            {preview.lines.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </More>
      )}
    </>
  );
}
