// The strip on top of every room: environment, arrangement, who, purpose, day, whether
// the page is live, and the way to a person.
import { useEffect, useState } from "preact/hooks";
import { isGuardian, isOperator, isReviewer, type Desk } from "../hub/desk";
import type { FeedState } from "../hub/feed";
import type { LiveKind } from "../hub/live";
import { choosePurpose, signOut, type Session } from "../hub/session";
import { clock, clockWithSeconds, fullDate } from "../words/dates";
import { environment, purpose, purposeChoices, role, roleTitle } from "../words/names";
import { Form } from "./form";
import { hideNames, namesHidden } from "./person_words";
import { useDesk } from "./use_desk";

// How the page stands to the hub. "Live" is said of a page that has all there is, and of
// no other. `missing`: some of it could not be read when it was tried last.
export function connection(feed: FeedState, missing = false): { mark: LiveKind; words: string } {
  const at = feed.checkedAt;
  switch (feed.kind) {
    case "starting":
      return { mark: "starting", words: "Connecting…" };
    case "live":
      if (feed.upTo) {
        return {
          mark: "checking", words: `Connected – alerts are up to date to ${clockWithSeconds(feed.upTo)}`,
        };
      }
      if (missing) {
        return { mark: "checking", words: "Connected – some of what is here could not be read again" };
      }
      return { mark: "live", words: at ? `Live – checked ${clockWithSeconds(at)}` : "Live" };
    case "checking":
      return { mark: "checking", words: "Checking every 10 seconds" };
    case "lost":
      return {
        mark: "lost",
        words: at
          ? `Not connected since ${clock(at)}. Use the telephone list.`
          : "Not connected. Use the telephone list.",
      };
  }
}

export function Environment({ name }: { name: string }) {
  const words = environment(name);
  return words ? <p class="cc-environment">{words}</p> : null;
}

// The rooms that somebody works in, and how much waits in each.
export function roomsOf(desk: Desk): [href: string, title: string, waits: number][] {
  const { session } = desk;
  const theirs = desk.waitingActs.filter((one) => !one.own).length;
  const approvals: [string, string, number][] =
    desk.agreeKinds.length > 0 ? [["#/approvals", "Approvals", theirs]] : [];
  if (isOperator(session)) {
    return [["#/exchange", "Exchange", 0], ...approvals, ["#/why", "Why", 0]];
  }
  const rooms: [string, string, number][] = [["#/", "Today", 0]];
  if (!isGuardian(session)) rooms.push(["#/find", "Find a person", 0]);
  if (!isGuardian(session) && session.role !== "upw-manager") rooms.push(["#/cases", "Cases", 0]);
  if (session.role === "nhs-liaison") rooms.push(["#/liaison", "Liaison list", 0]);
  if (isReviewer(session)) {
    rooms.push(["#/openings", "Openings", desk.openings.filter((one) => !one.review).length]);
  }
  return [...rooms, ...approvals, ["#/why", "Why", 0]];
}

export function Strip(props: {
  route: string;
  signedOut: () => void;
  changed: (session: Session) => void;
}) {
  const desk = useDesk();
  const { session } = desk;
  const [asking, setAsking] = useState(false);
  const [hidden, setHidden] = useState(namesHidden());

  function toggle() {
    hideNames(!namesHidden());
    setHidden(namesHidden());
    desk.redraw();
  }
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.key === "F9") {
        event.preventDefault();
        toggle();
      }
    };
    document.addEventListener("keydown", key);
    return () => document.removeEventListener("keydown", key);
  }, []);

  const { fresh } = desk.book.waiting();
  const { mark, words } = connection(desk.feed, desk.problems.size > 0);
  const current = `#/${props.route.split("/")[1]?.split("?")[0] ?? ""}`;
  return (
    <header class="cc-strip">
      <Environment name={session.environment} />
      <div class="cc-strip__who">
        <strong class="cc-strip__title">{session.agencyName}</strong>
        <span>
          {session.displayName}
          {!session.displayName.toLowerCase().includes(role(session.role).toLowerCase()) &&
            `, ${roleTitle(session.role)}`}
        </span>
        <span>
          Purpose: {purpose(session.purpose)}{" "}
          {!isOperator(session) && (
            <button type="button" class="cc-link" aria-expanded={asking} onClick={() => setAsking(!asking)}>
              Change<span class="visually-hidden"> purpose</span>
            </button>
          )}
        </span>
        <span class="cc-strip__day">{fullDate(desk.now())}</span>
      </div>
      {asking && (
        <div class="cc-strip__form">
          <Form
            id="purpose"
            title="What are you here for?"
            fields={[
              {
                name: "purpose", label: "Purpose", kind: "radios", value: session.purpose,
                options: purposeChoices(session.purposes),
                needed: "Choose a purpose",
              },
              {
                name: "reason", label: "Reason, in a sentence", kind: "words", max: 500,
                hint: "For example: supervising his order this week. No names, numbers or addresses.",
                needed: "Say what you need it for",
              },
            ]}
            submit="Change purpose"
            run={async (values) => {
              props.changed(await choosePurpose(values.purpose!, { reason: values.reason!.trim() }));
              setAsking(false);
            }}
            cancel={() => setAsking(false)}
          />
        </div>
      )}
      <div class="cc-strip__state">
        <span class={`cc-live cc-live--${mark} ${mark === "live" ? "cc-screen" : ""}`}>{words}</span>
        {/* Paper is never live. */}
        {mark === "live" && (
          <span class="cc-paper">As it stood at {clockWithSeconds(desk.feed.checkedAt ?? desk.now())}</span>
        )}
        <span class="visually-hidden" role="status">
          {mark === "checking" || mark === "lost" ? words : ""}
        </span>
        <span class="cc-strip__tools">
          {!isOperator(session) && (
            <button type="button" class="cc-link" aria-pressed={hidden} onClick={toggle}>
              {hidden ? "Show names" : "Hide names"} (F9)
            </button>
          )}
          <a href="#/wall">Wall screen</a>
          <button
            type="button"
            class="cc-link"
            onClick={() => void signOut().finally(props.signedOut)}
          >
            Sign out
          </button>
        </span>
      </div>
      <nav aria-label="Rooms">
        <ul class="cc-rooms">
          {roomsOf(desk).map(([href, title, waits]) => (
            <li key={href}>
              <a href={href} aria-current={current === href ? "page" : undefined}>
                {title}
                {waits > 0 && ` (${waits})`}
                {href === "#/" && fresh > 0 && ` (${fresh} new)`}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </header>
  );
}

// What was said politely, for those who do not see it; it can be focused after an act,
// so that the reader is not thrown to the top of the page.
export function Told() {
  const desk = useDesk();
  return (
    <p id="told" class={desk.announcement ? "cc-told" : "visually-hidden"} role="status" tabIndex={-1}>
      {desk.announcement}
    </p>
  );
}
