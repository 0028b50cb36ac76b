// Everything else that came about people at Level 2 and 3 since the reader was last
// here, by person; read when it is asked for.
import { useState } from "preact/hooks";
import type { Desk } from "../hub/desk";
import { personEvents } from "../hub/events";
import type { HubError } from "../hub/http";
import { problem } from "../hub/services";
import { Loading, Problem, Section } from "../parts/basics";
import { personName } from "../parts/person_words";
import { plainDate, when } from "../words/dates";
import { sentence, type EventView } from "../words/events";
import { source } from "../words/names";

interface Group {
  subject: string;
  events: EventView[];
}

export function SinceSection({ desk }: { desk: Desk }) {
  const [groups, setGroups] = useState<Group[] | "loading" | undefined>();
  const [readAt, setReadAt] = useState<Date | undefined>();
  const [failure, setFailure] = useState<HubError | undefined>();
  const subjects = [...desk.cases.values()]
    .filter((one) => one.level >= 2)
    .map((one) => one.subject);
  if (subjects.length === 0) return null;
  const since = desk.since();
  const now = desk.now();

  async function load() {
    setGroups("loading");
    setFailure(undefined);
    try {
      const found: Group[] = [];
      for (const subject of subjects) {
        const { events } = await personEvents(subject);
        const fresh = events.filter((event) => new Date(event.acceptedtime) > since);
        if (fresh.length > 0) found.push({ subject, events: fresh });
      }
      setGroups(found);
      setReadAt(desk.now());
    } catch (error) {
      setGroups(undefined);
      setFailure(problem(error));
    }
  }

  return (
    <Section
      id="since"
      title={desk.lastHere ? "Since you were last here" : "In the last day"}
      class={groups === undefined ? "cc-noprint" : ""}
    >
      <p class="cc-small">
        Everything about people at Level 2 and Level 3 since {when(since, now)}, also what raised
        no alert.
      </p>
      {failure && <Problem what="It could not be read." problem={failure} again={load} />}
      {groups === undefined && !failure && (
        <button type="button" class="ds_button ds_button--secondary ds_button--small" onClick={load}>
          Show it
        </button>
      )}
      {groups === "loading" && <Loading what="what came" />}
      {Array.isArray(groups) && readAt && (
        <p class="cc-small">
          {`As it stood ${when(readAt, now)}. `}
          <button type="button" class="cc-link" onClick={load}>
            Read it again
          </button>
        </p>
      )}
      {Array.isArray(groups) && groups.length === 0 && <p>Nothing came.</p>}
      {Array.isArray(groups) &&
        groups.map((group) => (
          <div key={group.subject}>
            <h3>
              <a href={`#/person/${group.subject}`}>{personName(desk, group.subject)}</a>
            </h3>
            <ul class="cc-lines">
              {group.events.map((event) => {
                const at = new Date(event.time);
                const words = event.timeprecision === "day" ? plainDate(at) : when(at, now);
                return (
                  <li key={`${event.source}#${event.id}`} class="cc-line">
                    <p>
                      {sentence(event)}. {source(event.source)}, {words}.
                    </p>
                  </li>
                );
              })}
            </ul>
          </div>
        ))}
    </Section>
  );
}
