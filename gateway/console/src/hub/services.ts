// The hub's services as the gateway forwards them: Connect, binary.
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { GlassService } from "../../gen/concordat/access/v1/glass_pb";
import { AlertsService } from "../../gen/concordat/alerts/v1/service_pb";
import { ApprovalService } from "../../gen/concordat/bus/v1/approval_pb";
import { ErasureService } from "../../gen/concordat/bus/v1/erasure_pb";
import { BusService } from "../../gen/concordat/bus/v1/service_pb";
import { EdgeService } from "../../gen/concordat/edge/v1/service_pb";
import { IdentityService } from "../../gen/concordat/identity/v1/service_pb";
import { MappaService } from "../../gen/concordat/mappa/v1/service_pb";
import { NhsService } from "../../gen/concordat/nhs/v1/service_pb";
import { PoliceService } from "../../gen/concordat/police/v1/service_pb";
import { SocialWorkService } from "../../gen/concordat/socialwork/v1/service_pb";
import { commonHeaders, HubError, tellSignedOut } from "./http";

const withSession: Interceptor = (next) => async (request) => {
  for (const [name, value] of Object.entries(commonHeaders())) request.header.set(name, value);
  try {
    return await next(request);
  } catch (error) {
    if (ConnectError.from(error).code === Code.Unauthenticated) tellSignedOut();
    throw error;
  }
};

const transport = createConnectTransport({
  baseUrl: "/",
  useBinaryFormat: true,
  interceptors: [withSession],
  defaultTimeoutMs: 20_000,
});

export const alerts = createClient(AlertsService, transport);
export const approvals = createClient(ApprovalService, transport);
export const bus = createClient(BusService, transport);
export const edge = createClient(EdgeService, transport);
export const erasure = createClient(ErasureService, transport);
export const glass = createClient(GlassService, transport);
export const identity = createClient(IdentityService, transport);
export const mappa = createClient(MappaService, transport);
export const nhs = createClient(NhsService, transport);
export const police = createClient(PoliceService, transport);
export const socialwork = createClient(SocialWorkService, transport);

// A request that nobody at the page asked for: it does not keep the session open.
export const background = { headers: { "Concordat-Background": "true" } };

// A call about somebody whose page was opened for a purpose of its own.
export function forPurpose(purpose: string, unasked: boolean) {
  return { headers: { "Concordat-Purpose": purpose, ...(unasked ? background.headers : {}) } };
}

// Another edge than the one of the caller's own agency.
export function program(name: string) {
  return { headers: { "Concordat-Program": name } };
}

// Names a wish, so that sending it again gets the first answer.
export function requestId(): string {
  return crypto.randomUUID();
}

const kWords: Partial<Record<Code, string>> = {
  [Code.Unavailable]: "Concordat cannot do this at the moment. Nothing has been changed. Try again in a minute.",
  [Code.DeadlineExceeded]: "Concordat took too long to answer. Try again: it will not be done twice.",
  [Code.Internal]: "Something went wrong in Concordat. It has been recorded. Try again, or ring the operator.",
  [Code.Unimplemented]: "This hub cannot do that yet.",
  [Code.Unauthenticated]: "You have been signed out.",
};

// What went wrong, for the person at the page. The hub's own words where they are
// for people.
export function problem(error: unknown): HubError {
  if (error instanceof HubError) return error;
  const known = ConnectError.from(error);
  // Ours, of a form.
  if (error instanceof Error && error.constructor === Error) {
    return new HubError("invalid_argument", error.message);
  }
  const code = Code[known.code]
    ?.replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
  // fetch failed: there was no answer at all.
  const unanswered = known.code === Code.Unknown && known.cause instanceof TypeError;
  const words = unanswered ? kWords[Code.Unavailable] : kWords[known.code];
  return new HubError(
    unanswered ? "unavailable" : (code ?? "unknown"),
    words ?? sentence(known.rawMessage),
  );
}

// Services say first which field they mean: "given_name: …". Nobody at a page calls it so.
function sentence(words: string): string {
  if (!words) return "Concordat refused this and did not say why.";
  const plain = words.replace(/^[a-z_, ]+(?=: )/, (field) => field.replaceAll("_", " "));
  const capital = plain.charAt(0).toUpperCase() + plain.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
