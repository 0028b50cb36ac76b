// Acts of two people, and a person opened without an interest, at the console.
// Bug                                              Caught by
//   one person asks and agrees                      "who asked cannot agree"
//   another act is agreed to than was asked for     "who agrees says the whole of it"
//   what was refused is done, or waits on           "what is refused is not done"
//   the room is there for whom it is not            "nobody else has the room"
//   a person is opened without a reason, or quietly "opened with a reason, and announced"
//   how long it is open is not said                 "opened with a reason, and announced"
//   nobody looks at it, or who opened does          "somebody else looks at it"
//   a page that a keyboard or a small screen spoils the checks of each page
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { closeBrowser, kDesk, kPhone, origin, Visitor } from "./hub.mjs";

after(closeBrowser);

const at = async (account) => (await Visitor.at(origin())).signIn(account);

// axe finds nothing, nothing is wider than a small screen, and a picture of both.
async function looked(visitor, name) {
  assert.deepEqual(await visitor.axe(), []);
  await visitor.shot(name);
  await visitor.page.setViewportSize(kPhone);
  assert.equal(await visitor.overflow(), 0, name);
  await visitor.shot(`${name}-320`);
  await visitor.page.setViewportSize(kDesk);
}

// As the co-ordinator's list of cases has it.
async function keyOf(coordinator, name) {
  await coordinator.go("/cases");
  const href = await coordinator.page.getByRole("link", { name }).first().getAttribute("href");
  return /p-[a-z2-7]{26}/.exec(href)[0];
}

test("an act of two people", async (t) => {
  const coordinator = await at("coordinator");
  const key = await keyOf(coordinator, /Balnamoon/);
  const first = await at("admin");
  const second = await at("second-operator");

  await t.test("nobody else has the room", async () => {
    const other = await at("duty-senior");
    assert.equal(await other.page.getByRole("link", { name: /Approvals/ }).count(), 0);
    await other.go("/approvals");
    assert.match(await other.text(), /Not your room/);
    await other.close();
  });

  const ask = async (reason) => {
    const { page } = first;
    await first.go("/approvals");
    await page.getByRole("button", { name: "Place a legal hold on a person" }).click();
    await page.getByRole("button", { name: "Ask for it" }).click();
    await page.getByRole("alert").getByText("Enter the person key").waitFor();
    await page.getByLabel("Person key").fill(key);
    await page.getByLabel("Reason").selectOption(reason);
    await page.getByLabel("To be looked at on").fill("2027-04-01");
    await page.getByLabel("Why, in a few words").fill("the procurator fiscal asked");
    await page.getByRole("button", { name: "Ask for it", exact: true }).click();
    await page.getByText("Nothing of one person is erased or removed", { exact: false }).waitFor();
    await page.getByRole("button", { name: "Yes, ask for it" }).click();
    await page.getByText(/Asked for\. Another person has to agree until/).waitFor();
    await first.settled();
  };
  await t.test("who asked cannot agree", async () => {
    await ask("COURT_PROCEEDINGS");
    const page = await first.text();
    assert.match(page, /Waiting for another person \(1\)/);
    assert.match(page, /You asked for this: another person has to agree/);
    assert.doesNotMatch(page, /Look and agree/);
    await looked(first, "approvals-asked");
  });
  await t.test("who agrees says the whole of it", async () => {
    const { page } = second;
    await second.go("/approvals");
    await page.reload();
    await page.getByRole("link", { name: "Approvals (1)" }).waitFor();
    await page.getByRole("button", { name: /^Look and agree/ }).click();
    const fill = async (reason) => {
      await page.getByLabel("Person key").fill(key);
      await page.getByLabel("Reason").selectOption(reason);
      await page.getByLabel("To be looked at on").fill("2027-04-01");
      await page.getByRole("button", { name: "Agree, and do it", exact: true }).click();
      await page.getByRole("button", { name: "Yes, agree, and do it" }).click();
    };
    await fill("COMPLAINT");
    await page.getByText(/it is no longer the same act/i).waitFor();
    await looked(second, "approvals-agree");
    await fill("COURT_PROCEEDINGS");
    await page.getByText(/The hold L-\S+ stands\./).waitFor();
    await second.settled();
    assert.match(await second.text(), /Nothing waits for another person/);
    // Nobody who waits is told who it is about.
    assert.doesNotMatch(await first.heard(), new RegExp(key));
  });
  await t.test("what is refused is not done", async () => {
    await ask("PUBLIC_INQUIRY");
    const { page } = second;
    await second.go("/exchange");
    await second.go("/approvals");
    await page.getByRole("button", { name: "Place a legal hold on a person" }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: /^Refuse/ }).click();
    await page.getByLabel("Why, in a few words").fill("no inquiry is known");
    await page.getByRole("button", { name: "Refuse", exact: true }).click();
    await page.getByText("Refused: it is not done.").waitFor();
    await second.settled();
    assert.match(await second.text(), /Nothing waits for another person/);
  });
  await t.test("a look before a removal says what it would take, or why not", async () => {
    const { page } = second;
    await page.getByRole("button", { name: "Erase a person" }).click();
    await page.getByLabel("Person key").fill(key);
    await page.getByLabel("Reason").selectOption("PERIOD_ENDED");
    await page.locator("label").filter({ hasText: /^Yes$/ }).click();
    await page.getByRole("button", { name: "Look what it would do" }).click();
    await page.getByText(/It cannot be done:/).first().waitFor();
    const words = await second.text();
    assert.match(words, /a legal hold stands/);
    assert.match(words, /the person has an open case/);
    await looked(second, "approvals-preview");
  });
  for (const visitor of [coordinator, first, second]) {
    assert.deepEqual(visitor.strays, []);
    await visitor.close();
  }
});

test("a person opened without an interest", async (t) => {
  const senior = await at("duty-senior");
  const { page } = senior;
  // The council has nothing to do with the restricted patient.
  const { key: stranger, name } = await strangerOf(senior);
  await t.test("opened with a reason, and announced", async () => {
    await senior.go(`/person/${stranger}`);
    await page.getByLabel("Reason, in a sentence").fill("cover for the night");
    await page.locator("label").filter({ hasText: "managing risk of serious harm" }).click();
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await page.getByText("There is no record of this person that is for you to see").waitFor();
    await looked(senior, "person-none");
    await page.getByRole("button", { name: "Open without an interest" }).click();
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await page.getByRole("alert").getByText("Choose the reason").waitFor();
    await page.locator("label").filter({ hasText: "a threat to life" }).click();
    await page.getByLabel("What has happened, in a sentence").fill("A neighbour rang: he is at the gate now.");
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await page.getByText("are told at once, with your name", { exact: false }).waitFor();
    await looked(senior, "person-opening");
    await page.getByRole("button", { name: "Yes, open" }).click();
    await page.getByText(/Opened without an interest: 60 minutes left|59 minutes left/).waitFor();
    await senior.settled();
    const words = await senior.text();
    assert.match(words, /The co-ordinator and the guardian of your agency were told at once/);
    assert.match(words, /What happened/);
    assert.doesNotMatch(words, new RegExp(name));
    await looked(senior, "person-opened");
    // Open still when the page is loaded again.
    await page.reload();
    await page.getByText(/(60|59|58) minutes left/).waitFor();
    assert.deepEqual(senior.errors, []);
    await senior.close();
  });
  await t.test("somebody else looks at it", async () => {
    const guardian = await at("guardian-council");
    await guardian.page.getByText("opened this person without an interest", { exact: false }).first().waitFor();
    await guardian.settled();
    await looked(guardian, "guardian-today");
    await guardian.go("/openings");
    await guardian.page.getByText("a threat to life").waitFor();
    assert.match(await guardian.text(".cc-strip"), /Openings \(1\)/);
    await guardian.page.getByRole("button", { name: /^Say what came of it/ }).click();
    await guardian.page.locator("label").filter({ hasText: /^it was justified$/ }).click();
    await guardian.page.getByLabel("In a sentence").fill("Police were told within five minutes.");
    await looked(guardian, "openings-review");
    await guardian.page.getByRole("button", { name: "Record it" }).click();
    await guardian.page.getByText("Looked at (1)").waitFor();
    await looked(guardian, "openings");
    assert.deepEqual(guardian.errors, []);
    await guardian.close();
  });
});

// Somebody whom the reader's agency has nothing to do with, by the co-ordinator's cases.
async function strangerOf(reader) {
  const coordinator = await at("coordinator");
  await coordinator.go("/cases");
  const links = await coordinator.page.locator("main a[href^='#/person/']").evaluateAll((all) =>
    all.map((one) => ({ key: one.getAttribute("href").match(/p-[a-z2-7]{26}/)[0], name: one.innerText })));
  await coordinator.close();
  await reader.go("/cases");
  const own = new Set(await reader.page.locator("main a[href^='#/person/']").evaluateAll((all) =>
    all.map((one) => one.getAttribute("href").match(/p-[a-z2-7]{26}/)[0])));
  const stranger = links.find((one) => !own.has(one.key));
  assert.ok(stranger, "everybody is the reader's");
  return stranger;
}
