// Requests of the gateway that are not calls of a service.

// Why something did not work, in words that can be shown.
export class HubError extends Error {
  constructor(
    // Connect's names: "unauthenticated", "permission_denied", …
    readonly code: string,
    message: string,
    readonly retryAfterSeconds = 0,
  ) {
    super(message);
  }
}

// Of the session that is signed in; every request that changes anything carries it.
let csrf = "";

export function useCsrf(token: string): void {
  csrf = token;
}

export function commonHeaders(): Record<string, string> {
  return csrf ? { "Concordat-CSRF": csrf } : {};
}

let signedOut: () => void = () => {};

// Told whenever an answer says that nobody is signed in.
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

export function tellSignedOut(): void {
  signedOut();
}

export async function send(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: {
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(method === "GET" ? {} : commonHeaders()),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new HubError("unavailable", "Concordat does not answer. Nothing has been changed.");
  }
  if (response.ok) return response;
  const told = (await response.json().catch(() => ({}))) as { code?: string; message?: string };
  const error = new HubError(
    told.code ?? (response.status === 401 ? "unauthenticated" : "unknown"),
    told.message ?? `Concordat answered ${response.status}.`,
    Number(response.headers.get("Retry-After") ?? 0),
  );
  if (response.status === 401 && path !== "/session") signedOut();
  throw error;
}

export async function ask<T>(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  body?: unknown,
): Promise<T> {
  const response = await send(method, path, body);
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}
