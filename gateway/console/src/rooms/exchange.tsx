// The exchange, for its operator: connections, lag, sources, what was set aside, the
// log. Envelopes and counts only: nothing of what is said, nobody it is about.
import { useEffect, useReducer, useState } from "preact/hooks";
import type { FeedReport } from "../../gen/concordat/alerts/v1/service_pb";
import type {
  AgreementState, FaultCount, GetLogStatusResponse, RefusalCount, SubscriptionState,
} from "../../gen/concordat/bus/v1/service_pb";
import type { ListRejectsResponse } from "../../gen/concordat/edge/v1/service_pb";
import type { HubError } from "../hub/http";
import { alerts, background, bus, edge, problem, program } from "../hub/services";
import { count, Facts, Loading, Problem, Section } from "../parts/basics";
import { useDesk } from "../parts/use_desk";
import { birthDate, clockOrWhen, moment, when } from "../words/dates";
import { agency, role, source } from "../words/names";
import { Redrive } from "./redrive";

const kRefreshMs = 10_000;
// The edges of this hub, and what is at them.
const kEdges: [string, string][] = [
  ["concordat-adapter", "Hospital messages"],
  ["edge-council", "Case files"],
];

interface State {
  log?: GetLogStatusResponse;
  subscriptions?: SubscriptionState[];
  refusals?: RefusalCount[];
  faults?: FaultCount[];
  agreements?: AgreementState[];
  feeds?: FeedReport[];
  edges: Map<string, ListRejectsResponse>;
}

type Failures = Map<string, HubError>;

async function read(unasked: boolean): Promise<[State, Failures]> {
  const state: State = { edges: new Map() };
  const failures: Failures = new Map();
  const options = unasked ? background : {};
  const part = async (name: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      failures.set(name, problem(error));
    }
  };
  await Promise.all([
    part("The log", async () => void (state.log = await bus.getLogStatus({}, options))),
    part("Connections", async () => void (state.subscriptions = (await bus.listSubscriptions({}, options)).subscriptions)),
    part("Refusals", async () => void (state.refusals = (await bus.listRefusals({}, options)).refusals)),
    part("Faults", async () => void (state.faults = (await bus.listFaults({}, options)).faults)),
    part("Agreements", async () => void (state.agreements = (await bus.listAgreements({}, options)).agreements)),
    part("Sources", async () => void (state.feeds = (await alerts.listFeeds({}, options)).feeds)),
    ...kEdges.map(([name, title]) =>
      part(title, async () => {
        const headers = { ...program(name).headers, ...(unasked ? background.headers : {}) };
        state.edges.set(name, await edge.listRejects({}, { headers }));
      })),
  ]);
  return [state, failures];
}

export function Exchange() {
  const desk = useDesk();
  const [state, setState] = useState<State | undefined>();
  const [failures, setFailures] = useState<Failures>(new Map());
  // Asked again when the operator has changed something.
  const [round, again] = useReducer((n: number) => n + 1, 0);

  useEffect(() => {
    let gone = false;
    const load = (unasked: boolean) =>
      void read(unasked).then(([next, failed]) => {
        if (gone) return;
        setState(next);
        setFailures(failed);
      });
    load(false);
    const timer = window.setInterval(() => load(true), kRefreshMs);
    return () => {
      gone = true;
      window.clearInterval(timer);
    };
  }, [round, desk.round]);

  const now = desk.now();
  return (
    <>
      <h1>Exchange</h1>
      {!state && <Loading what="the state of the exchange" />}
      {[...failures].map(([what, failure]) => (
        <Problem key={what} what={`${what}: cannot be shown.`} problem={failure} />
      ))}
      {state && (
        <p class="cc-small">
          Read again every 10 seconds.
          {!desk.time.isReal &&
            " Today is the story's day; when connections were made and items came is by this machine's own clock."}
        </p>
      )}
      {state?.log && <Log log={state.log} now={now} />}
      {state?.feeds && <Feeds feeds={state.feeds} now={now} />}
      {state?.subscriptions && <Subscriptions all={state.subscriptions} end={state.log?.endSequence ?? 0n} now={now} />}
      {state && state.edges.size > 0 && <Edges edges={state.edges} now={now} changed={() => again(undefined)} />}
      {state?.refusals && <Refusals all={state.refusals} />}
      {state?.faults && state.faults.length > 0 && <Faults all={state.faults} />}
      {state?.agreements && <Agreements all={state.agreements} />}
    </>
  );
}

function hex(bytes: Uint8Array): string {
  return [...bytes.slice(0, 6)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesWords(bytes: bigint): string {
  const kib = Number(bytes) / 1024;
  return kib < 1024 ? `${kib.toFixed(0)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}

function Log({ log, now }: { log: GetLogStatusResponse; now: Date }) {
  const time = moment(log.logTime);
  return (
    <Section id="log" title="Log">
      {log.readOnly && (
        <p class="cc-problem" role="alert">
          <strong>Nothing can be written:</strong> {log.readOnlyBecause}
        </p>
      )}
      <Facts
        rows={[
          ["State", log.readOnly ? "read only" : "takes what is told and gives it out"],
          ["Environment", log.environment],
          ["Log and epoch", `${hex(log.logId)}…, epoch ${log.epoch}`],
          ["Last sequence", log.endSequence.toString()],
          ["Size", `${bytesWords(log.bytes)} in ${count(log.segments, "segment")}`],
          ["Log time", time ? when(time, now) : "none yet"],
          [
            "Sessions",
            `${log.sessions}: ${log.publisherSessions} publish, ${log.subscriberSessions} subscribe`,
          ],
          ["Calls of publish that wait", String(log.waitingPublishCalls)],
          ["Accepted with faults since the start", log.acceptedWithFaults.toString()],
        ]}
      />
    </Section>
  );
}

function Feeds({ feeds, now }: { feeds: FeedReport[]; now: Date }) {
  return (
    <Section id="feeds" title="Sources" count={feeds.length}>
      <table class="cc-stack">
        <caption class="visually-hidden">Sources and how far each has come</caption>
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col">State</th>
            <th scope="col">Expected</th>
            <th scope="col">Complete to</th>
            <th scope="col">To be mended there</th>
          </tr>
        </thead>
        <tbody>
          {feeds.map((feed) => {
            const complete = moment(feed.completeTo);
            const silent = moment(feed.silentSince);
            return (
              <tr key={feed.name}>
                <th scope="row">
                  {feed.title}
                  <span class="cc-small"> {feed.agency}</span>
                </th>
                <td data-label="State" class={silent ? "cc-overdue" : ""}>
                  {silent ? `silent since ${when(silent, now)}` : complete ? "sends" : "has not come yet"}
                </td>
                <td data-label="Expected">{feed.expected}</td>
                <td data-label="Complete to">{complete ? when(complete, now) : "–"}</td>
                <td data-label="To be mended there">{feed.rejected}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Section>
  );
}

function Subscriptions({ all, end, now }: { all: SubscriptionState[]; end: bigint; now: Date }) {
  return (
    <Section id="subscriptions" title="Connections and lag" count={all.length}>
      <div class="cc-wide" role="region" aria-label="Connections and lag" tabIndex={0}>
        <table>
          <caption class="visually-hidden">Subscriptions, how far each has read and what it owes</caption>
          <thead>
            <tr>
              <th scope="col">Place</th>
              <th scope="col">Agency, role</th>
              <th scope="col">State</th>
              <th scope="col" class="cc-number">Read up to</th>
              <th scope="col" class="cc-number">Behind</th>
              <th scope="col" class="cc-number">Sent, not acknowledged</th>
            </tr>
          </thead>
          <tbody>
            {all.map((one) => {
              const since = moment(one.connectedSince);
              return (
                <tr key={`${one.agency}/${one.role}/${one.name}`}>
                  <th scope="row">{one.name}</th>
                  <td>
                    {agency(one.agency)}, {role(one.role)}
                  </td>
                  <td class={one.connected ? "" : "cc-overdue"}>
                    {one.connected
                      ? `connected${since ? ` since ${clockOrWhen(since, now)}` : ""}`
                      : "not connected"}
                  </td>
                  <td class="cc-number">{one.acknowledged.toString()} of {end.toString()}</td>
                  <td class="cc-number">{one.lag.toString()}</td>
                  <td class="cc-number">
                    {one.outstanding.toString()} ({bytesWords(one.outstandingBytes)})
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

function Edges(props: { edges: Map<string, ListRejectsResponse>; now: Date; changed: () => void }) {
  const { edges, now } = props;
  return (
    <Section id="edges" title="Set aside and refused at the edges">
      <p class="cc-small">
        Counts, reasons and envelopes. Who it is about and what it says stays with its agency.
      </p>
      <div class="cc-halves">
        {kEdges.map(([name, title]) => {
          const answer = edges.get(name);
          const counts = answer?.counts;
          if (!counts) return null;
          const last = moment(counts.lastMessageAt);
          const reasons = new Map<string, number>();
          for (const item of answer.items.filter((one) => one.outcome === "held")) {
            const key = `${item.outcome}: ${item.reason}`;
            reasons.set(key, (reasons.get(key) ?? 0) + 1);
          }
          return (
            <div key={name}>
              <h3>{title}</h3>
              <Facts
                rows={[
                  ["Published", `${counts.published}, of these ${counts.released} released by a person`],
                  ["Held for a person", counts.held.toString()],
                  ["Sent to identity", counts.toIdentity.toString()],
                  ["About nobody here, not kept", counts.notInCohort.toString()],
                  ["Refused", counts.refused.toString()],
                  ["Left by a person", counts.left.toString()],
                  ["Waiting", counts.spooled.toString()],
                  ["Last message", last ? when(last, now) : "none since the start"],
                  ...[...reasons].map(([reason, n]): [string, string] => [reason, String(n)]),
                ]}
              />
              <Redrive name={name} title={title} items={answer.items} now={now} done={props.changed} />
              {answer.files.some((file) => file.words) && (
                <ul class="cc-lines">
                  {answer.files.filter((file) => file.words).slice(0, 5).map((file) => (
                    <li class="cc-line" key={`${file.name}${file.at}`}>
                      <p>
                        {file.name}: {file.words}
                      </p>
                    </li>
                  ))}
                </ul>
              )}
            </div>
          );
        })}
      </div>
    </Section>
  );
}

function Refusals({ all }: { all: RefusalCount[] }) {
  return (
    <Section id="refusals" title="Refused by the bus" count={all.length}>
      {all.length === 0 && <p class="cc-nothing">Nothing has been refused since the start.</p>}
      {all.length > 0 && (
        <table class="cc-stack">
          <caption class="visually-hidden">Refusals by reason</caption>
          <thead>
            <tr>
              <th scope="col">Reason</th>
              <th scope="col">Whose</th>
              <th scope="col">Last one</th>
              <th scope="col" class="cc-number">How many</th>
            </tr>
          </thead>
          <tbody>
            {all.map((one) => (
              <tr key={`${one.reason}${one.principal}`}>
                <th scope="row">{one.reason}</th>
                <td data-label="Whose">{one.principal}</td>
                <td data-label="Last one">{one.lastDetail}</td>
                <td data-label="How many" class="cc-number">{one.count.toString()}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}

function Faults({ all }: { all: FaultCount[] }) {
  return (
    <Section id="faults" title="Accepted with faults" count={all.length}>
      <ul class="cc-lines">
        {all.map((one) => (
          <li class="cc-line" key={`${one.source}${one.type}`}>
            <p>
              {source(one.source)}: {one.count.toString()} of {one.type}, the last at {one.lastSequence.toString()}:{" "}
              {one.lastFaults.join("; ")}
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Agreements({ all }: { all: AgreementState[] }) {
  return (
    <Section id="agreements" title="Agreements" count={all.length}>
      <ul class="cc-lines">
        {all.map((state) => (
          <li class="cc-line" key={`${state.agreement?.name}${state.agreement?.version}`}>
            <p>
              <strong>{state.agreement?.name}</strong>, version {state.agreement?.version}:{" "}
              {state.inForce ? "in force" : "not in force"}, {birthDate(state.agreement?.validFrom ?? "")} to{" "}
              {birthDate(state.agreement?.validTo ?? "")}. {state.agreement?.parties.map(agency).join(", ")}
            </p>
            {state.notice && <p class="cc-flag">{state.notice}</p>}
          </li>
        ))}
      </ul>
    </Section>
  );
}
