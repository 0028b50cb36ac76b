// Who is signed in, for what purpose, and what they have not finished writing.
import { ask, HubError, send, useCsrf } from "./http";
import { knowAgencies } from "../words/names";

export interface Session {
  account: string;
  displayName: string;
  principal: string;
  agency: string;
  agencyName: string;
  role: string;
  purpose: string;
  environment: string;
  idleSeconds: number;
  // When it ends if nothing happens, and when it ends in any case: RFC 3339.
  idleUntil?: string;
  expiresAt: string;
  csrf: string;
  recentUntil: string | null;
  // That an agreement has.
  purposes?: string[];
  // Purposes that were said for a person in this session.
  cases?: Record<string, string>;
  agencies?: Record<string, string>;
}

export interface SignInOptions {
  local: boolean;
  oidc: { name: string } | null;
  environment: string;
}

let csrfOf = "";

function taken(session: Session): Session {
  if (csrfOf !== session.csrf) draftKeys = undefined;
  csrfOf = session.csrf;
  useCsrf(session.csrf);
  knowAgencies({ ...session.agencies, [session.agency]: session.agencyName });
  return session;
}

export function signInOptions(): Promise<SignInOptions> {
  return ask("GET", "/sign-in/options");
}

// Nobody: undefined.
export async function currentSession(): Promise<Session | undefined> {
  try {
    return taken(await ask<Session>("GET", "/session"));
  } catch (error) {
    if (error instanceof HubError && error.code === "unauthenticated") return undefined;
    throw error;
  }
}

export async function signIn(account: string, password: string): Promise<Session> {
  return taken(await ask<Session>("POST", "/session", { account, password }));
}

export async function signOut(): Promise<void> {
  await ask("DELETE", "/session");
  useCsrf("");
}

export async function stay(): Promise<Session> {
  return taken(await ask<Session>("POST", "/session/stay", {}));
}

// For a person, or for the whole session; in words, or for the alert that led to the
// person.
export async function choosePurpose(
  purpose: string,
  why: { subject?: string; reason?: string; task?: string },
): Promise<Session> {
  return taken(await ask<Session>("POST", "/session/purpose", { purpose, ...why }));
}

// What was being written, kept sealed by the gateway over time-outs. `key` names the
// form and what it is about.
export interface Draft {
  [field: string]: string;
}

// Those that there are, so that none is asked for in vain.
let draftKeys: Promise<Set<string>> | undefined;

function knownDrafts(): Promise<Set<string>> {
  draftKeys ??= ask<{ drafts: { key: string }[] }>("GET", "/session/drafts").then(
    ({ drafts }) => new Set(drafts.map((draft) => draft.key)),
    (error) => {
      draftKeys = undefined;
      throw error;
    },
  );
  return draftKeys;
}

export async function readDraft(key: string): Promise<Draft | undefined> {
  if (!(await knownDrafts()).has(key)) return undefined;
  return ask<Draft>("GET", `/session/drafts/${encodeURIComponent(key)}`);
}

// `unasked`: nobody at the page did anything, so the session is not extended.
export async function keepDraft(key: string, draft: Draft, unasked = false): Promise<void> {
  await send("PUT", `/session/drafts/${encodeURIComponent(key)}`, draft,
    unasked ? { "Concordat-Background": "true" } : {});
  (await knownDrafts()).add(key);
}

export async function dropDraft(key: string): Promise<void> {
  const keys = await knownDrafts();
  if (!keys.has(key)) return;
  await ask("DELETE", `/session/drafts/${encodeURIComponent(key)}`);
  keys.delete(key);
}
