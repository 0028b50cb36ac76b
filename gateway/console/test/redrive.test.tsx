// A second try of what an edge refused.
// What catches which bug:
//   items counted as ready that are not            -> "a preview counts by reason"
//   one failure ends the rest                      -> "each item has an outcome of its own"
//   what is held for a person offered for redrive  -> "only what was refused is listed"
import { create } from "@bufbuild/protobuf";
import renderToString from "preact-render-to-string";
import { expect, test } from "vitest";
import { ItemSchema, ReplayPreviewSchema } from "../gen/concordat/edge/v1/service_pb";
import { HubError } from "../src/hub/http";
import { byReason, Redrive, redriveAll } from "../src/rooms/redrive";

const items = [
  ["R-1", "no code of the table"], ["R-2", "no code of the table"], ["R-3", "no date"],
].map(([itemRef, reason]) =>
  create(ItemSchema, { itemRef: itemRef!, reason: reason!, outcome: "refused", state: "open" }));

test("a preview counts by reason", () => {
  const preview = ["R-1", "R-2", "R-3"].map((itemRef) =>
    create(ReplayPreviewSchema, { itemRef, ready: itemRef === "R-2" }));
  expect(byReason(items, preview)).toEqual([
    { reason: "no code of the table", refused: 2, ready: 1 },
    { reason: "no date", refused: 1, ready: 0 },
  ]);
});

test("each item has an outcome of its own", async () => {
  const outcomes = await redriveAll(["R-1", "R-2", "R-3"], async (itemRef) => {
    if (itemRef === "R-2") throw new HubError("failed_precondition", "Nothing would come of it.");
    return { position: 412n };
  });
  expect(outcomes).toEqual([
    { itemRef: "R-1", words: "Judged again; in the log at 412." },
    { itemRef: "R-2", words: "Not done. Nothing would come of it." },
    { itemRef: "R-3", words: "Judged again; in the log at 412." },
  ]);
});

test("only what was refused is listed", () => {
  const held = create(ItemSchema, { outcome: "held", reason: "for the liaison officer" });
  const page = (all: typeof items) => renderToString(
    <Redrive name="edge-council" title="Case files" items={all} now={new Date()} done={() => {}} />);
  expect(page([held])).toBe("");
  const whole = page([held, ...items]);
  expect(whole).toContain("R-3");
  expect(whole).toContain("Preview a redrive");
  expect(whole).not.toContain("liaison");
});
