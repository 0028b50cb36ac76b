// What catches which bug:
//   a request that changes something goes without the token -> "carries the session's token"
//   the token of an old session is sent on                  -> "a new session has a new token"
//   asking for what is not there, on every form             -> "drafts are asked for only when there are any"
//   the end of a session is not noticed                     -> "an answer that nobody is signed in"
//   polling keeps a session open for ever                   -> "what nobody asked for says so"
//   a person's history ends after the first page            -> "a history is read to its end"
import { beforeEach, describe, expect, test, vi } from "vitest";
import { personEvents } from "../src/hub/events";
import { HubError, onSignedOut, send } from "../src/hub/http";
import * as session from "../src/hub/session";

interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
}

let asked: Asked[] = [];
let answers: Record<string, { status?: number; body?: unknown; headers?: Record<string, string> }[]> = {};

function signedIn(csrf: string): session.Session {
  return {
    account: "a", displayName: "A", principal: "p", agency: "nhs-tayside", agencyName: "NHS Tayside",
    role: "nhs-liaison", purpose: "MAPPA_RISK_MANAGEMENT", environment: "demo", idleSeconds: 900,
    expiresAt: "", csrf, recentUntil: null,
  };
}

beforeEach(() => {
  asked = [];
  answers = {};
  vi.stubGlobal("fetch", async (path: string, options: RequestInit) => {
    const method = options.method ?? "GET";
    asked.push({
      method, path, headers: options.headers as Record<string, string>,
      body: options.body ? JSON.parse(options.body as string) : undefined,
    });
    const answer = answers[`${method} ${path.split("?")[0]}`]?.shift() ??
      (method === "GET" && path === "/session/drafts" ? { body: { drafts: [] } } : { status: 204 });
    return new Response(
      answer.body === undefined ? null : JSON.stringify(answer.body),
      { status: answer.status ?? 200, headers: answer.headers ?? {} });
  });
});

async function signIn(csrf: string): Promise<void> {
  answers["POST /session"] = [{ body: signedIn(csrf) }];
  await session.signIn("a", "secret");
  asked = [];
}

describe("a session", () => {
  test("carries the session's token wherever something changes", async () => {
    await signIn("t1");
    await session.keepDraft("k", { a: "b" });
    answers["POST /session/purpose"] = [{ body: signedIn("t1") }];
    await session.choosePurpose("ORDER_SUPERVISION", { subject: "p-1", reason: "because of it" });
    for (const one of asked.filter((each) => each.method !== "GET")) {
      expect(one.headers["Concordat-CSRF"], one.path).toBe("t1");
    }
    expect(asked.find((one) => one.path === "/session/purpose")!.body).toEqual({
      purpose: "ORDER_SUPERVISION", subject: "p-1", reason: "because of it" });
  });

  test("a new session has a new token", async () => {
    await signIn("t1");
    await signIn("t2");
    await session.keepDraft("k", {});
    expect(asked[0]!.headers["Concordat-CSRF"]).toBe("t2");
  });

  test("nobody signed in is not an error", async () => {
    answers["GET /session"] = [{ status: 401, body: { code: "unauthenticated", message: "no" } }];
    expect(await session.currentSession()).toBeUndefined();
  });

  test("an answer that nobody is signed in ends it at once", async () => {
    const ended = vi.fn();
    onSignedOut(ended);
    answers["PUT /session/drafts/k"] = [{ status: 401, body: { code: "unauthenticated", message: "no" } }];
    await expect(session.keepDraft("k", {})).rejects.toBeInstanceOf(HubError);
    expect(ended).toHaveBeenCalledOnce();
  });

  test("words of the hub reach the reader, and how long to wait", async () => {
    answers["POST /session"] = [{
      status: 429, headers: { "Retry-After": "30" },
      body: { code: "resource_exhausted", message: "Too many tries. Wait half a minute." } }];
    await expect(session.signIn("a", "b")).rejects.toMatchObject({
      code: "resource_exhausted", message: "Too many tries. Wait half a minute.", retryAfterSeconds: 30 });
  });

  test("no answer at all: nothing has been changed", async () => {
    vi.stubGlobal("fetch", async () => { throw new TypeError("failed"); });
    await expect(send("POST", "/x", {})).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("drafts", () => {
  test("are asked for only when there are any", async () => {
    await signIn("d1");
    answers["GET /session/drafts"] = [{ body: { drafts: [{ key: "accept-A-1", savedAt: "", bytes: 3 }] } }];
    answers["GET /session/drafts/accept-A-1"] = [{ body: { action: "told" } }];
    expect(await session.readDraft("close-A-2")).toBeUndefined();
    expect(await session.readDraft("accept-A-1")).toEqual({ action: "told" });
    expect(asked.map((one) => one.path)).toEqual(["/session/drafts", "/session/drafts/accept-A-1"]);
  });

  test("what was kept can be read back, and is gone when it is dropped", async () => {
    await signIn("d2");
    answers["GET /session/drafts"] = [{ body: { drafts: [] } }];
    await session.keepDraft("k/1", { a: "b" });
    answers["GET /session/drafts/k%2F1"] = [{ body: { a: "b" } }];
    expect(await session.readDraft("k/1")).toEqual({ a: "b" });
    await session.dropDraft("k/1");
    await session.dropDraft("k/1");
    expect(asked.filter((one) => one.method === "DELETE")).toHaveLength(1);
    expect(await session.readDraft("k/1")).toBeUndefined();
  });

  test("another session asks anew", async () => {
    await signIn("d3");
    answers["GET /session/drafts"] = [{ body: { drafts: [] } }, { body: { drafts: [{ key: "k" }] } }];
    expect(await session.readDraft("k")).toBeUndefined();
    await signIn("d4");
    answers["GET /session/drafts/k"] = [{ body: { a: "b" } }];
    expect(await session.readDraft("k")).toEqual({ a: "b" });
  });

  test("what nobody asked for says so", async () => {
    await signIn("d5");
    await session.keepDraft("last-here", {}, true);
    expect(asked[0]!.headers["Concordat-Background"]).toBe("true");
    await session.keepDraft("k", {});
    expect(asked.at(-1)!.headers["Concordat-Background"]).toBeUndefined();
  });
});

test("a history is read to its end", async () => {
  answers["GET /events"] = [
    { body: [{ id: "1" }], headers: { "Concordat-More": "true", "Concordat-Position": "7" } },
    { body: [{ id: "2" }], headers: { "Concordat-More": "false", "Concordat-Position": "9" } },
  ];
  const { events, more } = await personEvents("p-1", "ORDER_SUPERVISION");
  expect(events.map((event) => event.id)).toEqual(["1", "2"]);
  expect(more).toBe(false);
  expect(asked.map((one) => new URLSearchParams(one.path.split("?")[1]).get("after"))).toEqual(["0", "7"]);
  expect(asked[0]!.headers["Concordat-Purpose"]).toBe("ORDER_SUPERVISION");
});
