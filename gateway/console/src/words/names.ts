// Agencies, roles and purposes as people call them.

// As the registry writes them; told with the session.
const agencies = new Map<string, string>();

export function knowAgencies(names: Record<string, string>): void {
  for (const [name, display] of Object.entries(names)) agencies.set(name, display);
}

const kRoles: Record<string, string> = {
  police: "public protection",
  "police-cover": "police cover",
  "duty-senior": "duty senior",
  "lead-officer": "lead officer",
  "nhs-liaison": "MAPPA health liaison officer",
  "on-call-manager": "on-call manager",
  "supervising-officer": "supervising officer",
  senior: "senior social worker",
  "service-manager": "service manager",
  "upw-manager": "unpaid work manager",
  coordinator: "MAPPA co-ordinator",
  "co-ordinator": "MAPPA co-ordinator",
  "on-call-co-ordinator": "on-call MAPPA co-ordinator",
  "feed-contact": "contact for the case files",
  guardian: "guardian of the agency's data",
  operator: "operator",
};

const kPurposes: Record<string, string> = {
  MAPPA_RISK_MANAGEMENT: "managing risk of serious harm",
  ORDER_SUPERVISION: "supervising a court order",
  HUB_OPERATION: "running the hub",
};

function plain(name: string): string {
  return name.replaceAll(/[-_]/g, " ").toLowerCase();
}

export function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function uncapital(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1);
}

// One that the registry does not name: "nhs-fife" is "NHS Fife".
export function agency(name: string): string {
  const known = agencies.get(name);
  if (known) return known;
  const words = name.split("-").map((word) =>
    word === "nhs" || word === "mappa" ? word.toUpperCase() : capital(word));
  return (words[0] === "MAPPA" ? [...words.slice(1), "MAPPA"] : words).join(" ");
}

// The same, where a word need not be an agency's.
export function knownAgency(word: string): string {
  return agencies.get(word) ?? word;
}

export function role(name: string): string {
  return kRoles[name] ?? plain(name);
}

export function roleTitle(name: string): string {
  return capital(role(name));
}

// "police-scotland/duty-senior": "duty senior, Police Scotland". The arrangement's
// own people need no agency.
export function addressee(name: string): string {
  const copy = name.endsWith(" (copy)");
  const [who = "", what = ""] = name.replace(/ \(copy\)$/, "").split("/");
  const words = who.startsWith("mappa-") ? role(what) : `${role(what)}, ${agency(who)}`;
  return copy ? `${words} (for information)` : words;
}

export function purpose(code: string): string {
  return kPurposes[code] ?? plain(code);
}

// For a form: the purposes that an agreement has.
export function purposeChoices(known: string[] | undefined): [string, string][] {
  return (known ?? ["MAPPA_RISK_MANAGEMENT", "ORDER_SUPERVISION"])
    .filter((code) => code !== "HUB_OPERATION")
    .map((code) => [code, purpose(code)]);
}

// "urn:concordat:nhs-tayside:liaison": "NHS Tayside"
export function source(urn: string): string {
  return agency(urn.split(":")[2] ?? urn);
}

// What the strip says when the hub is not live.
export function environment(name: string): string | undefined {
  switch (name) {
    case "live":
      return undefined;
    case "demo":
    case "training":
      return "TRAINING AND DEMONSTRATION – INVENTED PEOPLE";
    case "shadow":
      return "SHADOW – REAL PEOPLE, NOTHING IS SENT TO ANYBODY";
    default:
      return `ENVIRONMENT: ${name.toUpperCase()}`;
  }
}
