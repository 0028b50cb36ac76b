// How a person, and their case, are named on a page.
import type { InvolvedAgency } from "../../gen/concordat/identity/v1/service_pb";
import type { Desk } from "../hub/desk";
import { say } from "../words/codes";
import { birthDate } from "../words/dates";
import { levelWords } from "../words/events";
import { agency, roleTitle } from "../words/names";

let hidden = false;

// Others can see the screen: initials instead of names, until it is switched back.
export function hideNames(on: boolean): void {
  hidden = on;
}

export function namesHidden(): boolean {
  return hidden;
}

export function personName(desk: Desk, subject: string, local = ""): string {
  const person = desk.people.get(subject);
  if (person) {
    const names = [person.givenName, person.familyName].filter(Boolean);
    return hidden ? names.map((name) => `${name.charAt(0)}.`).join(" ") : names.join(" ");
  }
  if (local || person) return `Your reference ${local}`;
  return desk.problems.has("people") ? "Name cannot be shown now" : "A person you may not name";
}

export function bornWords(desk: Desk, subject: string): string {
  const person = desk.people.get(subject);
  return person?.birthDate && !hidden ? `born ${birthDate(person.birthDate)}` : "";
}

// "Registered sex offender, Level 2."
export function standingWords(desk: Desk, subject: string): string {
  const one = desk.cases.get(subject);
  if (!one) return "";
  return [one.category && say("mappa-category", one.category), one.level && levelWords(one.level)]
    .filter(Boolean)
    .join(", ");
}

function contact(one: InvolvedAgency): string {
  const who = one.onDuty ?? one.contact;
  return [who?.name, who?.telephone].filter(Boolean).join(", ");
}

// "Dundee Justice social work – A. Carse, 01382 000000"
export function leadWords(desk: Desk, subject: string): string {
  const involved = desk.involved.get(subject)?.agencies.find((one) => one.lead);
  const lead = desk.cases.get(subject)?.lead;
  if (!involved) return lead ? agency(lead) : "";
  const who = contact(involved);
  const out = involved.onDuty && involved.contact
    ? ` (${roleTitle(involved.onDuty.role).toLowerCase()} for ${involved.contact.name})` : "";
  return [involved.unit || agency(involved.agency), who].filter(Boolean).join(" – ") + out;
}
