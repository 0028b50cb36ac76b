// The operator gives what an edge refused a second try.
// Bug                                            Caught by
//   the preview changes something, or guesses     "a preview says what would come of it"
//   redriven without being asked why              "a reason is asked for, and the act confirmed"
//   the outcome is not shown                      "what came of it is shown"
//   the operator is told what a row says          "nothing of the rows is in any answer"
import assert from "node:assert/strict";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { closeBrowser, data, origin, Visitor } from "./hub.mjs";

after(closeBrowser);

const kHead = "ClientID;Surname;Forename;Contact Date;Time;Type;Outcome;Worker;Amended";

function drop(name, rows) {
  const hidden = join(data, "drop/dundee", `.${name}`);
  writeFileSync(hidden, [kHead, ...rows, `TRAILER;${rows.length}`, ""].join("\n"));
  renameSync(hidden, join(data, "drop/dundee", name));
}

test("a redrive, from the refusal to the log", async (t) => {
  drop("contacts-20251203.csv", [
    "DCC-20055;Craigowl;Eilidh;02/12/2025;10:00;OFF;FTA;JSW114;02/12/2025 16:12",
    "DCC-20055;Craigowl;Eilidh;01/12/2025;10:00;OFF;???;JSW114;02/12/2025 16:12",
  ]);
  const visitor = await (await Visitor.at(origin())).signIn("admin");
  const { page } = visitor;
  await visitor.go("/exchange");
  const edge = page.locator("#redrive-edge-council");
  await edge.getByRole("row").nth(2).waitFor();

  await t.test("a preview says what would come of it", async () => {
    await edge.getByRole("button", { name: "Preview a redrive" }).click();
    await edge.getByText("if judged again now, 0 would be taken").waitFor();
    const mapping = join(data, "casefile/dundee-contacts-1.textproto");
    writeFileSync(mapping, readFileSync(mapping, "utf8").replace(
      'codes { from: "DNA"', 'codes { from: "FTA" to: "MISSED" }\n  codes { from: "DNA"'));
    await edge.getByRole("button", { name: "Preview again" }).click();
    await edge.getByText("if judged again now, 1 would be taken").waitFor();
    await visitor.shot("exchange-redrive-preview");
  });
  await t.test("a reason is asked for, and the act confirmed", async () => {
    await edge.getByRole("button", { name: "Redrive 1 item", exact: true }).click();
    await edge.getByRole("alert").getByText("Choose why").waitFor();
    await edge.locator("label").filter({ hasText: "a table was mended" }).click();
    await edge.getByRole("button", { name: "Redrive 1 item", exact: true }).click();
    await edge.getByText("Each is recorded in the log, with your name and reason.").waitFor();
    assert.deepEqual(await visitor.axe(), []);
    await edge.getByRole("button", { name: "Yes, redrive 1 item" }).click();
  });
  await t.test("what came of it is shown", async () => {
    await edge.getByText(/R-\d+: Judged again; in the log at \d+\./).waitFor();
    await visitor.shot("exchange-redriven");
  });
  await t.test("nothing of the rows is in any answer", async () => {
    assert.doesNotMatch(await visitor.heard(), /FTA|\?\?\?|DCC-20055|Craigowl|contacts-20251203/);
    assert.deepEqual(visitor.errors, []);
  });
  await visitor.close();
});
