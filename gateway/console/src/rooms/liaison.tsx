// The liaison list: what the hospital sent and what nobody has decided yet. Nothing
// about a person's care leaves the board before it is.
import { useState } from "preact/hooks";
import type { Item, LookAtItemResponse } from "../../gen/concordat/edge/v1/service_pb";
import type { LookAtReviewResponse, Review } from "../../gen/concordat/identity/v1/service_pb";
import type { Desk } from "../hub/desk";
import type { HubError } from "../hub/http";
import { edge, identity, problem } from "../hub/services";
import { Facts, Loading, Problem, Section } from "../parts/basics";
import { Form } from "../parts/form";
import { bornWords, personName } from "../parts/person_words";
import { useDesk } from "../parts/use_desk";
import { DeedForm, sharingDeed } from "../person/deeds";
import { choices, say } from "../words/codes";
import { birthDate, moment, when } from "../words/dates";
import { capital, source, uncapital } from "../words/names";

const kRelease = ["NEEDED_FOR_RISK_MANAGEMENT", "LICENCE_CONDITION"];
const kLeave = [
  "NOTHING_TO_SHARE", "STATED_BY_A_PERSON", "SENT_AGAIN", "ENTERED_IN_ERROR", "WRONG_PERSON",
  "TOLD_BY_TELEPHONE", "TOO_OLD", "TOO_MANY",
];
// What an appointment that was not kept leaves the board under.
const kEngagementOnly = "ENGAGEMENT_ONLY";
const kReplay = ["MAPPING_MENDED", "SETTING_MENDED"];

function reasons(codes: string[]): [string, string][] {
  return choices("kept-item-reason").filter(([code]) => codes.includes(code));
}

const kNote = {
  name: "note", label: "Note", kind: "words", max: 500,
  hint: "It stays inside the board.",
} as const;

export function Liaison() {
  const desk = useDesk();
  const held = desk.held.filter((item) => item.outcome === "held");
  const rejects = desk.held.filter((item) => item.outcome !== "held");
  const failed = desk.problems.get("held");
  const doubted = desk.problems.get("reviews");
  return (
    <>
      <h1>Liaison list</h1>
      {failed && <Problem what="What the hospital sent cannot be shown." problem={failed} again={() => desk.loadLiaison()} />}
      {!desk.loaded.has("held") && !failed && <Loading what="what the hospital sent" />}
      {desk.loaded.has("held") && (
        <Section id="held" title="Held for you to decide" count={held.length}>
          {held.length === 0 && <p class="cc-nothing">Nothing is held. What came has been decided.</p>}
          <ul class="cc-lines">
            {held.map((item) => (
              <HeldItem key={item.itemRef} desk={desk} item={item} />
            ))}
          </ul>
        </Section>
      )}
      {doubted && <Problem what="Identity reviews cannot be shown." problem={doubted} again={() => desk.loadLiaison()} />}
      {desk.loaded.has("reviews") && (
        <Section id="reviews" title="Who is who: for you to decide" count={desk.reviews.length}>
          {desk.reviews.length === 0 && <p class="cc-nothing">Nobody's identity waits for you.</p>}
          <ul class="cc-lines">
            {desk.reviews.map((review) => (
              <ReviewItem key={review.reviewRef} desk={desk} review={review} />
            ))}
          </ul>
        </Section>
      )}
      {rejects.length > 0 && (
        <Section id="rejects" title="Could not be read" count={rejects.length}>
          <ul class="cc-lines">
            {rejects.map((item) => (
              <HeldItem key={item.itemRef} desk={desk} item={item} />
            ))}
          </ul>
        </Section>
      )}
      {desk.loaded.has("sharing") && (
        <Section id="sharing" title="Sharing decisions in force" count={desk.sharing.length}>
          {desk.sharing.length === 0 && <p class="cc-nothing">None: nothing about care leaves the board.</p>}
          {desk.sharing.length > 0 && (
            <table class="cc-stack">
              <caption class="visually-hidden">Sharing decisions in force</caption>
              <thead>
                <tr>
                  <th scope="col">Person</th>
                  <th scope="col">What partners hear</th>
                  <th scope="col">Service (never told)</th>
                  <th scope="col">Until</th>
                  <th scope="col">Reference</th>
                </tr>
              </thead>
              <tbody>
                {desk.sharing.map((one) => (
                  <tr key={one.decided?.decisionRef}>
                    <th scope="row">
                      <a href={`#/person/${one.subject}`}>{personName(desk, one.subject)}</a>
                    </th>
                    <td data-label="What partners hear">{say("sharing-scope", one.decided?.what ?? "")}</td>
                    <td data-label="Service (never told)">{say("service-code", one.decided?.serviceCode ?? "")}</td>
                    <td data-label="Until">{birthDate(one.decided?.until ?? "")}</td>
                    <td data-label="Reference">{one.decided?.decisionRef}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Section>
      )}
    </>
  );
}

function who(desk: Desk, item: Item): string {
  return item.subject ? personName(desk, item.subject, item.localsubject) : "Nobody known";
}

type Doing = "release" | "leave" | "replay" | "share" | undefined;

function HeldItem({ desk, item }: { desk: Desk; item: Item }) {
  const [shown, setShown] = useState<LookAtItemResponse | undefined>();
  const [failure, setFailure] = useState<HubError | undefined>();
  const [doing, setDoing] = useState<Doing>();
  const now = desk.now();
  const at = moment(item.happenedAt) ?? moment(item.receivedAt);
  const usable = desk.sharing.filter(
    (one) => one.subject === item.subject && one.decided?.serviceCode === item.serviceCode &&
      one.decided.what === kEngagementOnly);
  const open = item.state === "open";
  const held = open && item.outcome === "held";

  async function look() {
    setFailure(undefined);
    try {
      setShown(await edge.lookAtItem({ itemRef: item.itemRef, onBehalfOf: "" }));
    } catch (error) {
      setFailure(problem(error));
    }
  }
  function done(words: string) {
    setDoing(undefined);
    desk.announcement = words;
    desk.loadLiaison();
    document.getElementById("told")?.focus();
  }

  return (
    <li class="cc-line" id={item.itemRef}>
      <p>
        <strong>{who(desk, item)}</strong>
        {item.subject && bornWords(desk, item.subject) && `, ${bornWords(desk, item.subject)}`}:{" "}
        {item.words || item.reason}
        {at && `, ${when(at, now)}`}
      </p>
      <p class="cc-small">
        {item.words && item.reason !== item.words && `${capital(item.reason)}. `}
        {item.place && !item.reason.includes(item.place) && `At ${item.place}. `}
        Reference {item.itemRef}
        {!open && `. ${item.state}`}
      </p>
      {held && item.cannotRelease && <p>It cannot be released: {item.cannotRelease}.</p>}
      {failure && <Problem what="It cannot be shown." problem={failure} />}
      {shown && (
        <div>
          <Facts rows={shown.fields.map((field) => [field.name, field.value])} />
          {shown.fields.length === 0 && <p>Nothing of it is kept.</p>}
        </div>
      )}
      {open && !doing && (
        <div class="ds_button-group cc-buttons">
          <button type="button" class="ds_button ds_button--small" onClick={() => (shown ? setShown(undefined) : void look())}>
            {shown ? "Hide" : "Look"}
            <span class="visually-hidden"> at {item.itemRef}</span>
          </button>
          {held && !item.cannotRelease && (
            <button type="button" class="ds_button ds_button--small ds_button--secondary" onClick={() => setDoing("release")}>
              Release<span class="visually-hidden"> {item.itemRef}</span>
            </button>
          )}
          <button type="button" class="ds_button ds_button--small ds_button--secondary" onClick={() => setDoing("leave")}>
            Leave<span class="visually-hidden"> {item.itemRef}</span>
          </button>
          <button type="button" class="cc-link" onClick={() => setDoing("replay")}>
            Judge again<span class="visually-hidden"> {item.itemRef}</span>
          </button>
        </div>
      )}
      {doing === "release" && usable.length === 0 && (
        <div class="cc-form">
          <h3>A decision is needed first</h3>
          <p>
            Nothing is released without a sharing decision in force for this person and service.
            There is none.
          </p>
          <div class="ds_button-group cc-buttons">
            <button type="button" class="ds_button" onClick={() => setDoing("share")}>
              Make the decision
            </button>
            <button type="button" class="ds_button ds_button--cancel" onClick={() => setDoing(undefined)}>
              Cancel
            </button>
          </div>
        </div>
      )}
      {doing === "share" && (
        <DeedForm
          desk={desk}
          deed={sharingDeed(item.subject, { what: kEngagementOnly, service: item.serviceCode })}
          about={item.itemRef}
          close={() => setDoing("release")}
          done={(position) => {
            desk.decidedAt = position;
            desk.loadLiaison(position);
          }}
        />
      )}
      {doing === "release" && usable.length > 0 && (
        <Form
          id={`release-${item.itemRef}`}
          title="Release it to partners"
          draft={`release-${item.itemRef}`}
          fields={[
            {
              name: "decision", label: "Under which decision?", kind: "radios",
              value: usable.length === 1 ? usable[0]!.decided!.decisionRef : "",
              options: usable.map((one) => [
                one.decided!.decisionRef,
                `${one.decided!.decisionRef}: ${say("sharing-scope", one.decided!.what)}, until ${birthDate(one.decided!.until)}`,
              ]),
              needed: "Choose the decision",
            },
            { name: "reason", label: "Why?", kind: "radios", options: reasons(kRelease), needed: "Choose why" },
            kNote,
          ]}
          submit="Release it"
          check={(values) => [
            `${who(desk, item)}: ${item.words}.`,
            `It goes to the agencies of the case under decision ${values.decision}; they do not hear which service.`,
            "What was released cannot be called back from those who have read it.",
          ]}
          run={async (values, request) => {
            await edge.releaseItem({
              itemRef: item.itemRef, decisionRef: values.decision!, reason: values.reason!,
              note: values.note?.trim() ?? "", command: { requestId: request },
              minPosition: desk.decidedAt,
            });
            done(`Released: ${item.itemRef}.`);
          }}
          cancel={() => setDoing(undefined)}
        />
      )}
      {doing === "leave" && (
        <Form
          id={`leave-${item.itemRef}`}
          title="Leave it: nothing comes of it"
          draft={`leave-${item.itemRef}`}
          fields={[
            { name: "reason", label: "Why?", kind: "radios", options: reasons(kLeave), needed: "Choose why" },
            kNote,
          ]}
          submit="Leave it"
          check={(values) => [
            `Nothing is shared: ${say("kept-item-reason", values.reason ?? "")}.`,
            "What is kept of the message is destroyed.",
          ]}
          run={async (values, request) => {
            await edge.leaveItem({
              itemRef: item.itemRef, reason: values.reason!, note: values.note?.trim() ?? "",
              command: { requestId: request },
            });
            done(`Left: ${item.itemRef}.`);
          }}
          cancel={() => setDoing(undefined)}
        />
      )}
      {doing === "replay" && (
        <Form
          id={`replay-${item.itemRef}`}
          title="Judge it again, by the tables and decisions of now"
          fields={[
            { name: "reason", label: "Why?", kind: "radios", options: reasons(kReplay), needed: "Choose why" },
            kNote,
          ]}
          submit="Judge again"
          run={async (values, request) => {
            await edge.replayItem({
              itemRef: item.itemRef, reason: values.reason!, note: values.note?.trim() ?? "",
              command: { requestId: request },
            });
            done(`Judged again: ${item.itemRef}.`);
          }}
          cancel={() => setDoing(undefined)}
        />
      )}
    </li>
  );
}

interface ReviewQuestion {
  question: string;
  // Decisions that identity takes for this kind, in words that answer the question.
  answers: [string, string][];
  reasons: string[];
}

const kOneOrTwo: ReviewQuestion = {
  question: "One person, or two?",
  answers: [["MERGED", "One person: join the records"], ["KEPT_APART", "Two people: keep them apart"]],
  reasons: ["RECORDS_COMPARED", "PERSON_ASKED", "SOURCE_ASKED", "DOCUMENT_SEEN", "ENTERED_IN_ERROR", "SAME_PERSON", "DIFFERENT_PEOPLE"],
};

// What is asked of each kind of review.
export const kReviews: Record<string, ReviewQuestion> = {
  MERGED_AT_SOURCE: {
    ...kOneOrTwo,
    answers: [...kOneOrTwo.answers, ["CONFIRMED", "The numbers are this person's, and no record is joined"]],
  },
  DIFFERENT_PEOPLE: kOneOrTwo,
  NUMBER_CLAIMED: kOneOrTwo,
  ADDRESS_CANDIDATE: {
    question: "Is this where they live?",
    answers: [
      ["CONFIRMED", "Yes: it is your agency's address of them from now on"],
      ["KEPT_APART", "No: nothing changes"],
    ],
    reasons: ["RECORDS_COMPARED", "PERSON_ASKED", "SOURCE_ASKED", "DOCUMENT_SEEN", "ENTERED_IN_ERROR", "OUT_OF_DATE"],
  },
  LINK_DOUBTED: {
    question: "Is the number this person's?",
    answers: [["CONFIRMED", "Yes: the link stays"], ["LINK_CUT", "No: cut the link"]],
    reasons: ["RECORDS_COMPARED", "PERSON_ASKED", "SOURCE_ASKED", "DOCUMENT_SEEN", "ENTERED_IN_ERROR", "SAME_PERSON", "DIFFERENT_PEOPLE", "OUT_OF_DATE"],
  },
};

function ReviewItem({ desk, review }: { desk: Desk; review: Review }) {
  const [looked, setLooked] = useState<LookAtReviewResponse | undefined>();
  const [failure, setFailure] = useState<HubError | undefined>();
  const [deciding, setDeciding] = useState(false);
  const at = moment(review.happenedAt) ?? moment(review.openedAt);
  const { question, answers, reasons: known } = kReviews[review.kind] ?? kOneOrTwo;

  async function look() {
    setFailure(undefined);
    try {
      setLooked(await identity.lookAtReview({ reviewRef: review.reviewRef }));
    } catch (error) {
      setFailure(problem(error));
    }
  }
  const rows: [string, string][] = [];
  if (looked) {
    for (const one of looked.identifiers) {
      const { scheme = "", value = "" } = one.identifier ?? {};
      rows.push([
        say("identifier-scheme", scheme),
        `${value}${one.holder ? `, held by ${personName(desk, one.holder)}` : ", nobody's yet"}`,
      ]);
    }
    if (looked.address?.text) rows.push(["Address that came", looked.address.text]);
    if (looked.address) rows.push(["Address known to you", looked.knownAddress?.text || "none"]);
    if (looked.note) rows.push(["Note", looked.note]);
    for (const use of looked.uses) {
      rows.push(["May have come by it", `${source(use.source)}${use.likely ? " (likely)" : ""}`]);
    }
  }
  return (
    <li class="cc-line" id={review.reviewRef}>
      <p>
        <strong>{personName(desk, review.subject)}</strong>
        {bornWords(desk, review.subject) && `, ${bornWords(desk, review.subject)}`}:{" "}
        {uncapital(say("identity-review-kind", review.kind))}
        {at && `, ${when(at, desk.now())}`}
      </p>
      <p class="cc-small">
        From {source(review.openedBy)}. Reference {review.reviewRef}
        {review.state !== "open" && `. ${review.state}`}
      </p>
      {failure && <Problem what="It cannot be shown." problem={failure} />}
      {looked && <Facts rows={rows} />}
      {!deciding && (
        <div class="ds_button-group cc-buttons">
          <button type="button" class="ds_button ds_button--small" onClick={() => (looked ? setLooked(undefined) : void look())}>
            {looked ? "Hide" : "Look"}
            <span class="visually-hidden"> at {review.reviewRef}</span>
          </button>
          <button type="button" class="ds_button ds_button--small ds_button--secondary" onClick={() => setDeciding(true)}>
            Decide<span class="visually-hidden"> {review.reviewRef}</span>
          </button>
        </div>
      )}
      {deciding && (
        <Form
          id={`decide-${review.reviewRef}`}
          title="Decide"
          draft={`decide-${review.reviewRef}`}
          fields={[
            {
              name: "decision", label: question, kind: "radios", needed: "Choose the decision",
              options: answers,
            },
            {
              name: "reason", label: "How do you know?", kind: "radios", needed: "Choose how you know",
              options: choices("identity-review-reason").filter(([code]) => known.includes(code)),
            },
            { name: "note", label: "Note", kind: "words", max: 500, hint: "It stays with the register of who is who." },
          ]}
          submit="Decide"
          check={(values) => [
            `${question} ${answers.find(([code]) => code === values.decision)?.[1]}.`,
            ...(values.decision === "MERGED" ? ["The two records are one person from then on, for every agency."] : []),
            ...(values.decision === "LINK_CUT" ? ["The link is cut when a second person agrees."] : []),
          ]}
          run={async (values, request) => {
            const answer = await identity.decideReview({
              reviewRef: review.reviewRef, decision: values.decision!, reason: values.reason!,
              note: values.note?.trim() ?? "", command: { requestId: request },
            });
            setDeciding(false);
            desk.announcement = answer.review?.state === "decided"
              ? `Decided: ${review.reviewRef}.`
              : `Recorded: ${review.reviewRef} waits for a second person.`;
            desk.loadLiaison();
            document.getElementById("told")?.focus();
          }}
          cancel={() => setDeciding(false)}
        />
      )}
    </li>
  );
}

