// Small parts that every room uses. What comes from the hub is only ever text.
import type { ComponentChildren } from "preact";
import type { HubError } from "../hub/http";

// A word and a shape, so that colour is never needed to read it.
const kShapes: Record<string, string> = {
  // Octagon, triangle, diamond, circle.
  CRITICAL: "M5 0h6l5 5v6l-5 5H5l-5-5V5z",
  HIGH: "M8 0l8 16H0z",
  MEDIUM: "M8 0l8 8-8 8-8-8z",
  LOW: "M8 0a8 8 0 1 1 0 16A8 8 0 1 1 8 0z",
};
const kWords: Record<string, string> = {
  CRITICAL: "Critical",
  HIGH: "High",
  MEDIUM: "Medium",
  LOW: "Low",
};

export function Severity({ severity }: { severity: string }) {
  return (
    <span class={`cc-severity cc-severity--${severity.toLowerCase()}`}>
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false">
        <path d={kShapes[severity] ?? kShapes.LOW!} />
      </svg>
      {kWords[severity] ?? severity}
    </span>
  );
}

// Opens and closes; the reader's own choice.
export function More(props: { summary: string; children: ComponentChildren; open?: boolean }) {
  return (
    <details class="ds_details cc-more" open={props.open ?? false}>
      <summary class="ds_details__summary">{props.summary}</summary>
      <div class="ds_details__text">{props.children}</div>
    </details>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p class="cc-loading" role="status">
      Loading {what}…
    </p>
  );
}

// Something did not work: what, and what to do now.
export function Problem(props: { what: string; problem: HubError; again?: () => void }) {
  return (
    <div class="cc-problem" role="alert">
      <p>
        <strong>{props.what}</strong> {props.problem.message}
      </p>
      {props.again && (
        <button type="button" class="ds_button ds_button--secondary ds_button--small" onClick={props.again}>
          Try again
        </button>
      )}
    </div>
  );
}

// Name and value in a line each.
export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  return (
    <dl class="cc-facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Section(props: {
  id: string;
  title: string;
  count?: number;
  children: ComponentChildren;
  class?: string;
}) {
  return (
    <section class={`cc-section ${props.class ?? ""}`} aria-labelledby={`${props.id}-title`}>
      <h2 id={`${props.id}-title`} tabIndex={-1}>
        {props.title}
        {props.count === undefined ? "" : ` (${props.count})`}
      </h2>
      {props.children}
    </section>
  );
}

// "one", "one and another", "one, another and a third"
export function list(words: string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return n === 1 ? one : many;
}

export function count(n: number, one: string, many?: string): string {
  return `${n} ${plural(n, one, many)}`;
}
