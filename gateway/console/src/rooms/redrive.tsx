// What an edge refused, and a second try once a table or a setting was mended: which
// items, what would come of them, and what did. Envelopes only.
import { useState } from "preact/hooks";
import type { Item, ReplayPreview } from "../../gen/concordat/edge/v1/service_pb";
import type { HubError } from "../hub/http";
import { edge, problem, program } from "../hub/services";
import { count, Problem } from "../parts/basics";
import { Form } from "../parts/form";
import { choices } from "../words/codes";
import { moment, when } from "../words/dates";

const kListed = 20;
const kReasons = ["MAPPING_MENDED", "SETTING_MENDED"];

export interface ReasonRow {
  reason: string;
  refused: number;
  ready: number;
}

// What a preview says, for each reason that items were refused for.
export function byReason(items: Item[], preview: ReplayPreview[]): ReasonRow[] {
  const ready = new Set(preview.filter((one) => one.ready).map((one) => one.itemRef));
  const rows = new Map<string, ReasonRow>();
  for (const item of items) {
    const row = rows.get(item.reason) ?? { reason: item.reason, refused: 0, ready: 0 };
    row.refused += 1;
    if (ready.has(item.itemRef)) row.ready += 1;
    rows.set(item.reason, row);
  }
  return [...rows.values()];
}

export interface Outcome {
  itemRef: string;
  words: string;
}

// One after the other; what becomes of one says nothing of the next.
export async function redriveAll(
  itemRefs: string[],
  replay: (itemRef: string) => Promise<{ position: bigint }>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const itemRef of itemRefs) {
    try {
      const { position } = await replay(itemRef);
      outcomes.push({ itemRef, words: `Judged again; in the log at ${position}.` });
    } catch (error) {
      outcomes.push({ itemRef, words: `Not done. ${problem(error).message}` });
    }
  }
  return outcomes;
}

interface Props {
  name: string;
  title: string;
  items: Item[];
  now: Date;
  // Something changed at the edge.
  done: () => void;
}

export function Redrive({ name, title, items, now, done }: Props) {
  const [preview, setPreview] = useState<{ rows: ReasonRow[]; ready: string[]; more: boolean }>();
  const [failure, setFailure] = useState<HubError | undefined>();
  const [outcomes, setOutcomes] = useState<Outcome[]>([]);
  const open = items.filter((item) => item.itemRef && item.state === "open");
  const options = program(name);

  async function look() {
    setFailure(undefined);
    setOutcomes([]);
    try {
      const answer = await edge.previewReplay({}, options);
      setPreview({
        rows: byReason(open, answer.items),
        ready: answer.items.filter((one) => one.ready).map((one) => one.itemRef),
        more: answer.more,
      });
    } catch (error) {
      setFailure(problem(error));
    }
  }

  if (open.length === 0 && outcomes.length === 0) return null;
  return (
    <div id={`redrive-${name}`}>
      <RefusedItems items={open} now={now} title={title} />
      {failure && <Problem what="What would come of it cannot be shown." problem={failure} />}
      {outcomes.length > 0 && (
        <div role="status">
          <h4>What came of it</h4>
          <ul class="cc-lines">
            {outcomes.map((one) => (
              <li class="cc-line" key={one.itemRef}>
                <p>
                  {one.itemRef}: {one.words}
                </p>
              </li>
            ))}
          </ul>
        </div>
      )}
      {preview && <PreviewTable {...preview} title={title} />}
      {preview && preview.ready.length > 0 && (
        <Form
          id={`redrive-${name}`}
          title={`Redrive ${count(preview.ready.length, "item")}`}
          fields={[
            {
              name: "reason", label: "Why now?", kind: "radios", needed: "Choose why",
              options: choices("kept-item-reason").filter(([code]) => kReasons.includes(code)),
            },
            { name: "note", label: "Note", kind: "words", max: 500, hint: "It stays at the edge." },
          ]}
          submit={`Redrive ${count(preview.ready.length, "item")}`}
          check={() => [
            `${title}: ${count(preview.ready.length, "refused item")} judged again, by the tables and decisions of now.`,
            "What comes of them is published as if it had just come, with its own time.",
            "Each is recorded in the log, with your name and reason.",
          ]}
          run={async (values, request) => {
            setOutcomes(await redriveAll(preview.ready, (itemRef) =>
              edge.replayItem({
                itemRef, reason: values.reason!, note: values.note?.trim() ?? "",
                command: { requestId: `${request}/${itemRef}` },
              }, options)));
            setPreview(undefined);
            done();
          }}
          cancel={() => setPreview(undefined)}
        />
      )}
      {!preview?.ready.length && open.length > 0 && (
        <button type="button" class="ds_button ds_button--small ds_button--secondary" onClick={() => void look()}>
          {preview ? "Preview again" : "Preview a redrive"}
          <span class="visually-hidden"> of {title}</span>
        </button>
      )}
    </div>
  );
}

function RefusedItems({ items, now, title }: { items: Item[]; now: Date; title: string }) {
  if (items.length === 0) return null;
  return (
    <>
      <table class="cc-stack">
        <caption>Refused, oldest first</caption>
        <thead>
          <tr>
            <th scope="col">Item</th>
            <th scope="col">Came</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {items.slice(0, kListed).map((item) => {
            const came = moment(item.receivedAt);
            return (
              <tr key={item.itemRef}>
                <th scope="row">{item.itemRef}</th>
                <td data-label="Came">{came ? when(came, now) : "–"}</td>
                <td data-label="Why">{item.reason}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {items.length > kListed && (
        <p class="cc-small">
          {title}: {items.length - kListed} more are not listed here.
        </p>
      )}
    </>
  );
}

function PreviewTable(props: { rows: ReasonRow[]; ready: string[]; more: boolean; title: string }) {
  return (
    <div role="status">
      <table class="cc-stack">
        <caption>
          {props.title}: if judged again now, {props.ready.length} would be taken
        </caption>
        <thead>
          <tr>
            <th scope="col">Refused for</th>
            <th scope="col" class="cc-number">Items</th>
            <th scope="col" class="cc-number">Would be taken</th>
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={row.reason}>
              <th scope="row">{row.reason}</th>
              <td data-label="Items" class="cc-number">{row.refused}</td>
              <td data-label="Would be taken" class="cc-number">{row.ready}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {props.more && <p class="cc-small">Only the oldest 1,000 were looked at.</p>}
      {props.ready.length === 0 && (
        <p>Nothing would come of it. Mend the table or the setting first; why each is refused its agency can see.</p>
      )}
    </div>
  );
}
