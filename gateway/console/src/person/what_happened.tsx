// The person's history: a table, which is also what screen readers and paper get, or
// lanes, a column for each agency.
import { useState } from "preact/hooks";
import { isoDay, plainDate, when } from "../words/dates";
import type { Happening } from "./history";

const kRecentMs = 90 * 86_400_000;

function happened(one: Happening, now: Date): string {
  return one.dayOnly ? when(one.at, now).replace(/ \d\d:\d\d$/, "") : when(one.at, now);
}

export function WhatHappened({ all, now, more }: { all: Happening[]; now: Date; more: boolean }) {
  const [lanes, setLanes] = useState(false);
  const [old, setOld] = useState(false);
  const [who, setWho] = useState("");
  const agencies = [...new Set(all.map((one) => one.who))].sort();
  const recent = all.filter((one) => now.getTime() - one.at.getTime() <= kRecentMs);
  const shown = (old ? all : recent).filter((one) => !who || one.who === who);
  if (all.length === 0) {
    return <p class="cc-nothing">Nothing that is shared with you has happened.</p>;
  }
  return (
    <>
      <div class="ds_button-group cc-buttons cc-noprint">
        <label class="cc-small" for="lane">
          Told by{" "}
          <select id="lane" value={who} onChange={(event) => setWho((event.target as HTMLSelectElement).value)}>
            <option value="">everybody</option>
            {agencies.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <button type="button" class="cc-link" aria-pressed={lanes} onClick={() => setLanes(!lanes)}>
          {lanes ? "Show as a table" : "Show a lane for each agency"}
        </button>
        {all.length > recent.length && (
          <button type="button" class="cc-link" onClick={() => setOld(!old)}>
            {old ? "Show the last 90 days" : `Show everything (${all.length - recent.length} older)`}
          </button>
        )}
      </div>
      {more && <p class="cc-flag">There is more than this page shows: the newest are missing.</p>}
      {shown.length === 0 && <p>Nothing in this choice.</p>}
      {shown.length > 0 && (lanes
        ? <Lanes shown={shown} agencies={who ? [who] : agencies} now={now} />
        : <Table shown={shown} now={now} />)}
    </>
  );
}

function Words({ one }: { one: Happening }) {
  return (
    <>
      <span class={one.gone ? "cc-withdrawn" : ""}>{one.words}</span>
      {one.marks.map((mark) => (
        <span key={mark}>
          {" "}
          <span class="cc-tag">{mark}</span>
        </span>
      ))}
    </>
  );
}

function Table({ shown, now }: { shown: Happening[]; now: Date }) {
  return (
    <table class="cc-stack">
      <caption class="visually-hidden">What happened, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Happened</th>
          <th scope="col">What</th>
          <th scope="col">Told by</th>
          <th scope="col">Known here</th>
        </tr>
      </thead>
      <tbody>
        {shown.map((one) => (
          <tr key={one.key}>
            <td>{happened(one, now)}</td>
            <td>
              <Words one={one} />
            </td>
            <td data-label="Told by">{one.who}</td>
            <td data-label="Known here">
              {when(one.known, now)}
              {one.recorded && isoDay(one.recorded) !== isoDay(one.at) && (
                <span class="cc-small"> (recorded {when(one.recorded, now)})</span>
              )}{" "}
              <a class="cc-small cc-noprint" href={`#/why/${one.sequence}`}>
                Why?<span class="visually-hidden"> Number {one.sequence.toString()}</span>
              </a>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Lanes(props: { shown: Happening[]; agencies: string[]; now: Date }) {
  const days = [...new Set(props.shown.map((one) => isoDay(one.at)))];
  return (
    <div class="cc-wide" role="region" aria-label="Lanes by agency" tabIndex={0}>
      <table>
        <caption class="visually-hidden">What happened, a column for each agency, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Day</th>
            {props.agencies.map((one) => (
              <th scope="col" key={one}>
                {one}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {days.map((day) => (
            <tr key={day}>
              <th scope="row" class="cc-whole">{plainDate(new Date(`${day}T12:00:00Z`))}</th>
              {props.agencies.map((agency) => (
                <td key={agency}>
                  {props.shown
                    .filter((one) => one.who === agency && isoDay(one.at) === day)
                    .map((one) => (
                      <p key={one.key}>
                        <Words one={one} />
                      </p>
                    ))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
