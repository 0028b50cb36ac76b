// One form for every act: fields, errors that say what to do, what was written kept
// over time-outs, a look before what cannot be undone, and one wish sent once.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { HubError } from "../hub/http";
import { problem, requestId } from "../hub/services";
import { dropDraft, keepDraft, readDraft } from "../hub/session";
import { uncapital } from "../words/names";

export interface Field {
  name: string;
  label: string;
  hint?: string;
  kind: "line" | "words" | "date" | "radios" | "select" | "checks" | "password";
  options?: [string, string][];
  // Of a select: what choosing nothing means.
  none?: string;
  value?: string;
  // What to say when it is empty. Absent: it may be.
  needed?: string | ((values: Values) => string | undefined);
  max?: number;
  autocomplete?: string;
  // Shown only while this holds.
  when?: (values: Values) => boolean;
}

// Of `checks`: the chosen ones with commas.
export type Values = Record<string, string>;

export interface FormProps {
  id: string;
  title: string;
  fields: Field[];
  submit: string;
  danger?: boolean;
  // Drafts are kept under this name; none: they are not (a password).
  draft?: string | undefined;
  intro?: ComponentChildren;
  // What is going to happen, in words: asked once more before it does.
  check?: (values: Values) => string[];
  // Throws what went wrong. `request` names the wish, however often it is sent.
  run: (values: Values, request: string) => Promise<void>;
  cancel?: () => void;
  // The form is all there is on the page: nothing to move to.
  calm?: boolean;
}

function start(fields: Field[]): Values {
  return Object.fromEntries(fields.map((field) => [field.name, field.value ?? ""]));
}

export function Form(props: FormProps) {
  const [values, setValues] = useState(() => start(props.fields));
  const [errors, setErrors] = useState<Values>({});
  const [failure, setFailure] = useState<HubError | undefined>();
  const [busy, setBusy] = useState(false);
  const [checking, setChecking] = useState(false);
  const [kept, setKept] = useState<"" | "kept" | "restored">("");
  const request = useRef(requestId());
  const form = useRef<HTMLFormElement>(null);
  const timer = useRef(0);

  // Before it is painted: focus scrolls, and nothing moves under a hand that has begun.
  useLayoutEffect(() => {
    if (!props.calm) form.current?.querySelector<HTMLElement>("h3")?.focus();
  }, []);
  useEffect(() => {
    if (!props.draft) return;
    let gone = false;
    readDraft(props.draft).then(
      (draft) => {
        if (!draft || gone) return;
        setValues((now) => ({ ...now, ...draft }));
        setKept("restored");
      },
      () => {},
    );
    return () => {
      gone = true;
      window.clearTimeout(timer.current);
    };
  }, [props.draft]);

  function change(name: string, value: string) {
    const now = { ...values, [name]: value };
    setValues(now);
    if (!props.draft) return;
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      keepDraft(props.draft!, now).then(
        () => setKept("kept"),
        () => setKept(""),
      );
    }, 800);
  }

  const shown = props.fields.filter((field) => !field.when || field.when(values));

  async function submit(event: Event) {
    event.preventDefault();
    const found: Values = {};
    for (const field of shown) {
      const value = (values[field.name] ?? "").trim();
      const needed = typeof field.needed === "function" ? field.needed(values) : field.needed;
      if (!value && needed) found[field.name] = needed;
      if (field.max && value.length > field.max) {
        found[field.name] =
          `${field.label} must be ${field.max} characters or fewer. It has ${value.length}.`;
      }
    }
    setErrors(found);
    setFailure(undefined);
    if (Object.keys(found).length > 0) {
      setChecking(false);
      focusSoon(".ds_error-summary");
      return;
    }
    if (props.check && !checking) {
      setChecking(true);
      focusSoon(".cc-check h4");
      return;
    }
    setBusy(true);
    try {
      await props.run(values, request.current);
      window.clearTimeout(timer.current);
      if (props.draft) await dropDraft(props.draft).catch(() => {});
    } catch (error) {
      const told = problem(error);
      setFailure(told);
      setChecking(false);
      // What was refused for good is another wish when it is sent again.
      if (!["unavailable", "deadline_exceeded", "unknown"].includes(told.code)) {
        request.current = requestId();
      }
      focusSoon(".ds_error-summary");
    } finally {
      setBusy(false);
    }
  }

  function focusSoon(what: string) {
    window.setTimeout(() => form.current?.querySelector<HTMLElement>(what)?.focus(), 0);
  }

  const wrong = Object.entries(errors);
  return (
    <form class="cc-form" ref={form} onSubmit={submit} noValidate aria-labelledby={`${props.id}-form`}>
      {props.calm ? (
        <h2 id={`${props.id}-form`} class="visually-hidden">
          {props.title}
        </h2>
      ) : (
        <h3 id={`${props.id}-form`} tabIndex={-1}>
          {props.title}
        </h3>
      )}
      {(wrong.length > 0 || failure) && (
        <div class="ds_error-summary" tabIndex={-1} role="alert">
          <p class="ds_error-summary__title">
            <strong>{failure ? "This was not done" : "There is a problem"}</strong>
          </p>
          {failure && <p>{failure.message}</p>}
          {wrong.length > 0 && (
            <ul class="ds_error-summary__list">
              {wrong.map(([name, words]) => (
                <li key={name}>
                  <a
                    href={`#${props.id}-${name}`}
                    onClick={(event) => {
                      event.preventDefault();
                      document.getElementById(`${props.id}-${name}`)?.focus();
                    }}
                  >
                    {words}
                  </a>
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
      {props.intro}
      {kept === "restored" && (
        <p class="cc-note">What you had written before is here again.</p>
      )}
      <div hidden={checking}>
        {shown.map((field) => (
          <Question
            key={field.name}
            id={`${props.id}-${field.name}`}
            field={field}
            value={values[field.name] ?? ""}
            error={errors[field.name]}
            change={(value) => change(field.name, value)}
          />
        ))}
      </div>
      {checking && (
        <div class="cc-check">
          <h4 tabIndex={-1}>Check before you go on</h4>
          <ul>
            {props.check!(values).map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </div>
      )}
      <div class="ds_button-group cc-buttons">
        <button class="ds_button" type="submit" disabled={busy}>
          {busy ? "Sending…" : checking ? `Yes, ${uncapital(props.submit)}` : props.submit}
        </button>
        {checking && (
          <button type="button" class="ds_button ds_button--secondary" onClick={() => setChecking(false)}>
            Change something
          </button>
        )}
        {props.cancel && (
          <button type="button" class="ds_button ds_button--cancel" onClick={props.cancel}>
            Cancel
          </button>
        )}
        {kept === "kept" && <span class="cc-small">Kept as a draft.</span>}
      </div>
    </form>
  );
}

function Question(props: {
  id: string;
  field: Field;
  value: string;
  error: string | undefined;
  change: (value: string) => void;
}) {
  const { id, field, value, error } = props;
  const described =
    [field.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const common = {
    id,
    name: field.name,
    "aria-describedby": described,
    "aria-invalid": error ? true : undefined,
    autocomplete: field.autocomplete ?? "off",
  };
  const set = (event: Event) =>
    props.change((event.target as HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement).value);
  const hint = field.hint && (
    <p class="ds_hint-text" id={`${id}-hint`}>
      {field.hint}
    </p>
  );
  const wrong = error && (
    <p class="ds_question__error-message" id={`${id}-error`}>
      <span class="visually-hidden">Error: </span>
      {error}
    </p>
  );
  const group = field.kind === "radios" || field.kind === "checks";
  const inside = group ? (
    <fieldset aria-describedby={described}>
      <legend>{field.label}</legend>
      {hint}
      {wrong}
      {field.options?.map(([code, words], index) => (
        <Choice
          key={code}
          id={index === 0 ? id : `${id}-${code}`}
          name={id}
          many={field.kind === "checks"}
          words={words}
          chosen={field.kind === "checks" ? value.split(",").includes(code) : value === code}
          choose={(on) => {
            if (field.kind === "radios") return props.change(code);
            const rest = value.split(",").filter((one) => one && one !== code);
            props.change((on ? [...rest, code] : rest).join(","));
          }}
        />
      ))}
    </fieldset>
  ) : (
    <>
      <label class="ds_label" for={id}>
        {field.label}
      </label>
      {hint}
      {wrong}
      {field.kind === "words" ? (
        <textarea class="ds_input" rows={3} {...common} value={value} onInput={set} />
      ) : field.kind === "select" ? (
        <div class="ds_select-wrapper">
          <select class="ds_select" {...common} value={value} onChange={set}>
            <option value="">{field.none ?? "Choose"}</option>
            {field.options?.map(([code, words]) => (
              <option key={code} value={code}>
                {words}
              </option>
            ))}
          </select>
          <span class="ds_select-arrow" aria-hidden="true" />
        </div>
      ) : (
        <input
          class={`ds_input ${field.kind === "date" ? "ds_input--fixed-10" : "cc-line"}`}
          type={field.kind === "line" ? "text" : field.kind}
          spellcheck={field.kind === "line" ? false : undefined}
          {...common}
          value={value}
          onInput={set}
        />
      )}
      {field.kind === "words" && field.max && (
        <p class="cc-small">
          {value.length} of {field.max} characters
        </p>
      )}
    </>
  );
  return <div class={`ds_question ${error ? "ds_question--error" : ""}`}>{inside}</div>;
}

function Choice(props: {
  id: string;
  name: string;
  many: boolean;
  words: string;
  chosen: boolean;
  choose: (on: boolean) => void;
}) {
  const kind = props.many ? "checkbox" : "radio";
  return (
    <div class={`ds_${kind} ds_${kind}--small`}>
      <input
        class={`ds_${kind}__input`}
        type={kind}
        id={props.id}
        name={props.name}
        checked={props.chosen}
        onChange={(event) => props.choose((event.target as HTMLInputElement).checked)}
      />
      <label class={`ds_${kind}__label`} for={props.id}>
        {props.words}
      </label>
    </div>
  );
}
