// The register of people who were opened without an interest, for those who look at it:
// who, when, why; and whether it was right.
import { useState } from "preact/hooks";
import type { GlassEntry } from "../../gen/concordat/access/v1/glass_pb";
import type { Desk } from "../hub/desk";
import { glass } from "../hub/services";
import { Loading, Problem, Section } from "../parts/basics";
import { Form } from "../parts/form";
import { personName } from "../parts/person_words";
import { useDesk } from "../parts/use_desk";
import { choices, say } from "../words/codes";
import { due, moment, when } from "../words/dates";
import { agency, capital } from "../words/names";

export function Openings() {
  const desk = useDesk();
  const open = desk.openings.filter((one) => !one.review);
  const done = desk.openings.filter((one) => one.review);
  const failure = desk.problems.get("openings");
  return (
    <>
      <h1>Openings without an interest</h1>
      <p>
        Somebody opened a person whom their agency has nothing to do with. Somebody else looks at
        each of them.
      </p>
      {failure && <Problem what="The openings cannot be read." problem={failure} again={() => desk.loadOpenings()} />}
      {!desk.loaded.has("openings") && !failure && <Loading what="the openings" />}
      {desk.loaded.has("openings") && (
        <>
          <Section id="to-review" title="To be looked at" count={open.length}>
            {open.length === 0 && <p class="cc-nothing">None waits.</p>}
            <ul class="cc-lines">
              {open.map((entry) => (
                <Opening key={entry.opening?.openingRef} desk={desk} entry={entry} />
              ))}
            </ul>
          </Section>
          {done.length > 0 && (
            <Section id="reviewed" title="Looked at" count={done.length}>
              <ul class="cc-lines">
                {done.map((entry) => (
                  <Opening key={entry.opening?.openingRef} desk={desk} entry={entry} />
                ))}
              </ul>
            </Section>
          )}
        </>
      )}
    </>
  );
}

function Opening({ desk, entry }: { desk: Desk; entry: GlassEntry }) {
  const [reviewing, setReviewing] = useState(false);
  const { opening, review } = entry;
  if (!opening) return null;
  // The review's clock is a real one; when it was is the log's, which a story sets.
  const real = new Date();
  const at = moment(entry.time);
  const limit = moment(opening.reviewBy);
  const who = personName(desk, entry.subject);
  return (
    <li class="cc-line" id={opening.openingRef}>
      <p>
        <strong>{who}</strong> – opened by {opening.staff || opening.by}, {agency(entry.agency)}
        {at && `, ${when(at, desk.now())}`}: {say("break-glass-reason", opening.reason)}
      </p>
      <p>“{opening.words}”</p>
      {review && (
        <p class="cc-small">
          {capital(say("break-glass-outcome", review.outcome))}: “{review.words}” – {review.staff || review.by}
        </p>
      )}
      {!review && limit && (
        <p class={entry.reviewOverdue ? "cc-overdue" : "cc-small"}>
          {entry.reviewOverdue ? "Overdue: to be looked at " : "To be looked at "}
          {due(limit, real).words.replace("overdue since", "by")}
        </p>
      )}
      {!review && !reviewing && (
        <div class="ds_button-group cc-buttons">
          <button type="button" class="ds_button ds_button--small" onClick={() => setReviewing(true)}>
            Say what came of it<span class="visually-hidden">: {who}, {opening.openingRef}</span>
          </button>
        </div>
      )}
      {reviewing && (
        <Form
          id={`review-${opening.openingRef}`}
          title="What came of it"
          draft={`review-${opening.openingRef}`}
          fields={[
            { name: "outcome", label: "Was it right?", kind: "radios", options: choices("break-glass-outcome"), needed: "Choose what came of it" },
            { name: "words", label: "In a sentence", kind: "words", max: 500, hint: "No names, numbers or addresses.", needed: "Say it in a sentence" },
          ]}
          submit="Record it"
          run={async (values, requestId) => {
            await glass.reviewGlass({
              command: { requestId }, openingRef: opening.openingRef,
              outcome: values.outcome!, words: values.words!.trim(),
            });
            setReviewing(false);
            desk.announcement = "Recorded.";
            desk.loadOpenings();
            desk.redraw();
            document.getElementById("told")?.focus();
          }}
          cancel={() => setReviewing(false)}
        />
      )}
    </li>
  );
}
