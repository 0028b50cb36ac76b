// An agreement that ends: what everybody reads of it, in the same words everywhere. Last,
// since afterwards nobody is shown anything.
// Bug                                               Caught by
//   no banner, or in other words than elsewhere       "it ends soon: the same words everywhere"
//   nobody is alerted, or it names no agreement       "the co-ordinator is alerted"
//   a renewed agreement still says that it ends       "a newer version takes it back"
//   what is over is not said, or without a number     "it has ended: the words that a session is told"
//   a page breaks once nothing is shared              the checks of each page
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { closeBrowser, concordat, data, kDesk, kPhone, origin, temporary, Visitor } from "./hub.mjs";

after(closeBrowser);

const kParties = ["police-scotland", "nhs-tayside", "dundee-city-council"];
const kText = readFileSync(join(data, "agreements/tayside-demo.textproto"), "utf8");

function sign(file, parties) {
  for (const party of parties) {
    concordat("agreements", "sign", file, "--key", join(data, `keys/sign-${party}.key`),
      "--party", party, "--office", "demo");
  }
}
function adopt(version, lastDay) {
  const file = temporary(`tayside-${version}.textproto`);
  writeFileSync(file, kText.replace("version: 8", `version: ${version}`)
    .replace('valid_to: "2026-09-30"', `valid_to: "${lastDay}"`));
  sign(file, kParties);
  concordat("agreements", "adopt", file);
}
function notice() {
  return JSON.parse(concordat("agreements", "list", "--json")).notice ?? "";
}
// An alert that is raised once the page is there waits until it is asked for.
async function arrived(page, what) {
  const waiting = page.getByRole("button", { name: /\d (new|changed).* – show$/ });
  await what.or(waiting).first().waitFor({ timeout: 60_000 });
  if (!(await what.isVisible())) await waiting.click();
  await what.waitFor();
}
async function looked(visitor, name) {
  assert.deepEqual(await visitor.axe(), []);
  await visitor.shot(name);
  await visitor.page.setViewportSize(kPhone);
  assert.equal(await visitor.overflow(), 0, name);
  await visitor.shot(`${name}-320`);
  await visitor.page.setViewportSize(kDesk);
}

test("an agreement that ends", async (t) => {
  const coordinator = await (await Visitor.at(origin())).signIn("coordinator");
  const { page } = coordinator;
  assert.equal(await page.locator(".cc-notices").count(), 0);
  await t.test("it ends soon: the same words everywhere", async () => {
    adopt(9, "2025-12-20");
    await page.reload();
    await page.getByText("An agreement ends soon.").waitFor();
    const words = await coordinator.text(".cc-notices");
    assert.match(words, /The agreement tayside-demo ends on 20 December 2025, in \d+ days\./);
    assert.equal(words, `An agreement ends soon. ${notice()}`);
    assert.equal(await page.getByRole("link", { name: "01632 960100" }).getAttribute("href"), "tel:01632960100");
  });
  await t.test("the co-ordinator is alerted", async () => {
    const alert = page.locator("article").filter({ hasText: "About an agreement, not a person" });
    await arrived(page, alert);
    assert.match(await alert.innerText(), /The agreement tayside-demo ends on 20 December 2025/);
    await coordinator.settled();
    await looked(coordinator, "agreement-ends");
    await coordinator.go("/cases");
    await page.getByText("An agreement ends soon.").waitFor();
  });
  await t.test("a newer version takes it back", async () => {
    adopt(10, "2026-11-30");
    assert.equal(notice(), "");
    await coordinator.go("/");
    await page.reload();
    await arrived(page, page.getByText("Does not hold any more"));
    await coordinator.settled();
    assert.match(await coordinator.text(), /Withdrawn [^\n]*: a newer version is adopted/i);
    assert.equal(await page.locator(".cc-notices").count(), 0);
  });
  await t.test("it has ended: the words that a session is told", async () => {
    const file = temporary("end.textproto");
    writeFileSync(file,
      'name: "tayside-demo"\nversion: 10\nparty: "nhs-tayside"\nreason: "the board has left the arrangement"\n');
    sign(file, ["nhs-tayside"]);
    concordat("agreements", "retire", file);
    await page.reload();
    await page.getByText("An agreement has ended.").waitFor();
    const words = await coordinator.text(".cc-notices");
    assert.match(words, /Nothing is shared with you since \d+ December 2025: the agreement ended early \(the board has left the arrangement\)\. Ring the MAPPA co-ordinator, 01632 960100\./);
    await arrived(page, page.locator("article")
      .filter({ hasText: "NHS Tayside ended the agreement tayside-demo early" }));
    await coordinator.settled();
    await looked(coordinator, "agreement-ended");
    const operator = await (await Visitor.at(origin())).signIn("admin");
    await operator.page.getByText("An agreement has ended.").waitFor();
    assert.match(await operator.text(".cc-notices"), /Nothing is shared by tayside-demo since \d+ December 2025/);
    await operator.close();
  });
  await coordinator.close();
});
