// What rests on something that was withdrawn since, in a sentence, and what it asks.
import {
  LookAgain_Asks, LookAgain_How, LookAgain_Item, type LookAgain,
} from "../../gen/concordat/mappa/v1/service_pb";
import { moment, plainDate, when } from "./dates";
import { typeWords } from "./events";
import { agency } from "./names";

const kItems: Record<LookAgain_Item, string> = {
  [LookAgain_Item.UNSPECIFIED]: "Something",
  [LookAgain_Item.CASE]: "The case was opened",
  [LookAgain_Item.PLAN]: "The plan was made",
  [LookAgain_Item.LEVEL]: "The level was decided",
  [LookAgain_Item.REFERRAL]: "The referral was decided",
};

const kHow: Record<LookAgain_How, string> = {
  [LookAgain_How.UNSPECIFIED]: "withdrawn",
  [LookAgain_How.CORRECTED]: "corrected",
  [LookAgain_How.TAKEN_BACK]: "taken back",
  [LookAgain_How.CUT]: "another person's",
};

const kAsks: Record<LookAgain_Asks, string> = {
  [LookAgain_Asks.UNSPECIFIED]: "",
  [LookAgain_Asks.MEETING]: "Look at it again at a meeting.",
  [LookAgain_Asks.DECISION]: "Know of that when you decide it.",
};

function whatWords(one: LookAgain): string {
  // The reader may not see it any more, and is told nothing else of it.
  if (!one.type) return "something that was shared with you then, and is withdrawn";
  const name = `“${typeWords(one.type)}” of ${agency(one.agency)}`;
  const more = one.facts > 1 ? ` and ${one.facts - 1} more` : "";
  return `${name}${more}, which ${one.facts > 1 ? "are" : "is"} ${kHow[one.how]}`;
}

// "The plan was made 24 November 2025 with “Concern shared” of Police Scotland, which is
// taken back since today 09:12. Look at it again at a meeting."
export function lookAgainWords(one: LookAgain, now: Date): string {
  const asked = one.asks === LookAgain_Asks.DECISION;
  const decided = moment(one.decidedAt);
  const withdrawn = moment(one.withdrawnAt);
  return [
    asked ? `Referral ${one.itemRef} was sent` : kItems[one.item],
    decided && ` ${plainDate(decided)}`,
    ` with ${whatWords(one)}`,
    withdrawn && ` since ${when(withdrawn, now)}`,
    `. ${kAsks[one.asks]}`,
  ].filter(Boolean).join("").trim();
}
