// What the liaison list offers of each held message.
// What catches which bug:
//   a release offered of which nothing comes      -> "release is offered where it can be"
//   why not, not said                             -> "release is offered where it can be"
//   a decision about another service offered      -> "the decision is about the message's service"
import { create } from "@bufbuild/protobuf";
import renderToString from "preact-render-to-string";
import { expect, test } from "vitest";
import { ItemSchema } from "../gen/concordat/edge/v1/service_pb";
import { Desk } from "../src/hub/desk";
import type { Session } from "../src/hub/session";
import { DeskContext } from "../src/parts/use_desk";
import { sharingDeed } from "../src/person/deeds";
import { Liaison } from "../src/rooms/liaison";
import { p2, us } from "./story";

const session: Session = {
  account: "nhs", displayName: "A. Liaison", principal: "nhs", agency: "nhs-tayside",
  agencyName: "NHS Tayside", role: "nhs-liaison", purpose: "MAPPA_RISK_MANAGEMENT",
  environment: "demo", idleSeconds: 900, expiresAt: "2025-12-05T17:00:00Z", csrf: "c",
  recentUntil: null,
};

function page(fields: { cannotRelease?: string; serviceCode?: string; outcome?: string }): string {
  const desk = new Desk(session);
  desk.loaded.add("held");
  desk.held = [create(ItemSchema, {
    itemRef: "H-1", outcome: "held", state: "open", subject: p2, words: "appointment not kept",
    happenedAt: us("2025-11-27 11:20"), ...fields,
  })];
  return renderToString(<DeskContext.Provider value={desk}><Liaison /></DeskContext.Provider>);
}

test("release is offered where it can be", () => {
  const offered = /Release<span[^>]*> H-1/;
  const one = page({ serviceCode: "ALCOHOL_TREATMENT" });
  expect(one).toMatch(offered);
  expect(one).not.toContain("cannot be released");
  const other = page({ cannotRelease: "the service is not in the table" });
  expect(other).not.toMatch(offered);
  expect(other).toContain("It cannot be released: the service is not in the table.");
  expect(other).toMatch(/Leave<span[^>]*> H-1/);
  expect(page({ outcome: "refused" })).not.toMatch(offered);
});

test("the decision is about the message's service", () => {
  const codes = (deed: ReturnType<typeof sharingDeed>, name: string) =>
    deed.fields.find((field) => field.name === name)?.options?.map(([code]) => code);
  const only = sharingDeed(p2, { what: "ENGAGEMENT_ONLY", service: "ALCOHOL_TREATMENT" });
  expect(codes(only, "what")).toEqual(["ENGAGEMENT_ONLY"]);
  expect(codes(only, "service")).toEqual(["ALCOHOL_TREATMENT"]);
  expect(codes(sharingDeed(p2), "service")!.length).toBeGreaterThan(1);
});
