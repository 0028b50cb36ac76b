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
  // Purposes that were said for a person in this session.
  cases?: Record<string, string>;
  agencies?: Record<string, string>;
}

export interface SignInOptions {
  local: boolean;
  oidc: { name: string } | null;
  environment: string;
}

function taken(session: Session): Session {
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
  await ask("POST", "/session/stay", {});
  return taken(await ask<Session>("GET", "/session"));
}

export async function choosePurpose(
  purpose: string,
  about?: { subject: string; reason?: string },
): Promise<Session> {
  await ask("POST", "/session/purpose", { purpose, ...about });
  return taken(await ask<Session>("GET", "/session"));
}

// What was being written, kept sealed by the gateway over time-outs. `key` names the
// form and what it is about.
export interface Draft {
  [field: string]: string;
}

export async function readDraft(key: string): Promise<Draft | undefined> {
  try {
    return await ask<Draft>("GET", `/session/drafts/${encodeURIComponent(key)}`);
  } catch (error) {
    if (error instanceof HubError && error.code === "not_found") return undefined;
    throw error;
  }
}

// `unasked`: nobody at the page did anything, so the session is not extended.
export async function keepDraft(key: string, draft: Draft, unasked = false): Promise<void> {
  await send("PUT", `/session/drafts/${encodeURIComponent(key)}`, draft,
    unasked ? { "Concordat-Background": "true" } : {});
}

export async function dropDraft(key: string): Promise<void> {
  try {
    await ask("DELETE", `/session/drafts/${encodeURIComponent(key)}`);
  } catch (error) {
    if (!(error instanceof HubError && error.code === "not_found")) throw error;
  }
}
