// What people do at the console, in the order of a morning: accept by keyboard, the
// encore, pass on, close, a mistake withdrawn, the liaison list, what is written kept.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { closeBrowser, encore, origin, play, temporary, Visitor } from "./hub.mjs";

after(closeBrowser);

const kScript = '<script>window.taken=1</script><img src=x onerror="window.taken=2">';

function card(visitor, words) {
  return visitor.page.locator("article", { hasText: words });
}
async function act(visitor, where, name) {
  await where.getByRole("button", { name, exact: true }).click();
}
// A radio or a box, as people do: by its words, which stand over it.
async function choose(where, words) {
  const pattern = typeof words === "string" ? new RegExp(`^${words}$`) : words;
  const label = where.locator("label.ds_radio__label, label.ds_checkbox__label").filter({ hasText: pattern }).first();
  await label.click();
  assert.ok(await label.evaluate((one) => one.control.checked), `${words} is chosen`);
}
async function told(visitor, words) {
  await visitor.page.locator("#told", { hasText: words }).waitFor();
}

test("the co-ordinator accepts with the keyboard alone", async (t) => {
  const visitor = await (await Visitor.at(origin())).signIn("coordinator");
  const { page } = visitor;
  await page.getByRole("heading", { name: "Act now (1)" }).waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
  await t.test("the first stop is the way to the content", async () => {
    await page.evaluate(() => document.activeElement?.blur());
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Skip to main content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
  });
  for (let i = 0; i < 12 && (await focused()) !== "Accept"; i += 1) await page.keyboard.press("Tab");
  assert.equal(await focused(), "Accept");
  await t.test("what has focus can be seen", async () => {
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineWidth);
    assert.notEqual(outline, "0px");
  });
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Accept: you take this on" }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.type(`The Parole Board is told. ${kScript}`);
  await visitor.shot("coordinator-accepting");
  await t.test("axe finds nothing in an open form", async () => assert.deepEqual(await visitor.axe(), []));
  for (let i = 0; i < 6 && (await focused()) !== "Accept"; i += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await told(visitor, "Accepted");
  await t.test("it stands among the accepted, in the reader's words, as text", async () => {
    await page.getByRole("heading", { name: "Accepted, not finished (4)" }).waitFor();
    assert.match(await visitor.text(), /The Parole Board is told\. <script>/);
    assert.equal(await page.evaluate(() => window.taken), undefined);
    assert.match(await visitor.text(), /Nothing is waiting to be accepted by you/);
  });
  await t.test("focus is where the reader was told so, not at the top of the page", async () => {
    assert.equal(await page.evaluate(() => document.activeElement?.id), "told");
  });
  await visitor.close();
});

test("what is passed on is there to act on, though somebody else accepted it", async (t) => {
  const manager = await (await Visitor.at(origin())).signIn("service-manager");
  await manager.page.getByRole("heading", { name: "Act now (1)" }).waitFor();
  await manager.settled();
  const coordinator = await (await Visitor.at(origin())).signIn("coordinator");
  const line = coordinator.page.locator("li.cc-line", { hasText: "charged this person with a serious offence" });
  await line.getByRole("button", { name: /^Show all/ }).click();
  await act(coordinator, line.locator("article"), "Pass on");
  await choose(line, /^Service manager/);
  await line.getByLabel("Why?", { exact: true }).fill("The officer is in court on Monday.");
  await act(coordinator, line.locator("form"), "Pass on");
  await told(coordinator, "Passed on.");

  await manager.page.getByRole("heading", { name: "Act now (2)" }).waitFor();
  const mine = card(manager, "Ruaridh Inchbare");
  assert.match(await mine.innerText(),
    /22 November 02:17, accepted: [\s\S]*passed on to service manager, Dundee City Council: “The officer is in court on Monday\.”/);
  await manager.shot("service-manager-passed-on");
  await t.test("and goes when it is taken on", async () => {
    await act(manager, mine, "Accept");
    await manager.page.getByLabel("What will be done?", { exact: true }).fill("Somebody else goes to court");
    await act(manager, manager.page.locator("form"), "Accept");
    await told(manager, "Accepted. It now stands under");
    await manager.page.getByRole("heading", { name: "Act now (1)" }).waitFor();
    assert.match(await manager.text(), /You, today 09:0\d: “Somebody else goes to court”\. \d+ days left \([^)]*, the usual limit\)/);
  });
  await coordinator.close();
  await manager.close();
});

test("another purpose of one's own is asked for in words", async (t) => {
  const visitor = await (await Visitor.at(origin())).signIn("socialwork");
  const { page } = visitor;
  await visitor.settled();
  await page.getByRole("button", { name: "Change purpose" }).click();
  const form = page.locator(".cc-strip form");
  await choose(form, "supervising a court order");
  await form.getByRole("button", { name: "Change purpose" }).click();
  await form.getByText("Say what you need it for").first().waitFor();
  await visitor.shot("socialwork-purpose");
  assert.deepEqual(await visitor.axe(), []);
  await form.getByLabel("Reason, in a sentence", { exact: true }).fill("I supervise his order this week.");
  await form.getByRole("button", { name: "Change purpose" }).click();
  await page.locator(".cc-strip", { hasText: "Purpose: supervising a court order" }).waitFor();
  await t.test("and nothing went wrong", () => assert.deepEqual(visitor.errors, []));
  await visitor.close();
});

test("the encore: a new alert comes without reload", async (t) => {
  const coordinator = await (await Visitor.at(origin())).signIn("coordinator");
  const social = await (await Visitor.at(origin())).signIn("socialwork");
  await social.page.getByRole("heading", { name: /Accepted, not finished/ }).waitFor();
  await coordinator.page.getByRole("heading", { name: /Accepted, not finished/ }).waitFor();
  await social.settled();
  await coordinator.settled();
  await coordinator.page.getByRole("link", { name: "Find a person" }).focus();
  const before = await coordinator.text();

  await encore();

  await coordinator.page.getByRole("button", { name: "1 new – show" }).waitFor();
  await t.test("it waits, is told politely, and takes no focus", async () => {
    const now = await coordinator.text();
    assert.ok(!now.includes("For your information"));
    const stays = (text) => text.split("Accepted, not finished")[1].split("In the last day")[0];
    assert.equal(stays(now), stays(before));
    assert.equal(await coordinator.page.evaluate(() => document.activeElement?.textContent), "Find a person");
    assert.equal(await coordinator.page.locator(".cc-waiting").getAttribute("role"), "status");
    assert.match(await coordinator.page.title(), /1 new/);
  });
  await coordinator.shot("coordinator-one-new");
  await coordinator.page.getByRole("button", { name: "1 new – show" }).click();
  await coordinator.page.getByRole("heading", { name: "For your information: others act (1)" }).waitFor();
  await t.test("it does not say which service", async () => {
    const heard = await coordinator.heard();
    assert.doesNotMatch(heard, /ALCTX|ALCOHOL/i);
    assert.match(await coordinator.text(), /an agreed service was not engaged with/);
  });

  await social.page.getByRole("button", { name: "1 new – show" }).click();
  const mine = card(social, "Torquil Balnamoon").filter({ hasText: "Medium" }).first();
  await t.test("social work passes it on", async () => {
    await act(social, mine, "Pass on");
    await social.page.getByLabel("Why?", { exact: true }).fill("You know him from last year.");
    await social.page.getByRole("radio").first().check({ force: true });
    await social.shot("socialwork-passing-on");
    await act(social, social.page.locator("form"), "Pass on");
    await told(social, "Passed on");
    assert.match(await social.text(), /passed on to .*: “You know him from last year\.”/);
  });
  await t.test("accepts it", async () => {
    await act(social, mine, "Accept");
    await social.page.getByLabel("What will be done?", { exact: true }).fill("Visit at home on Monday");
    await social.page.getByLabel("By when?", { exact: true }).fill("2025-12-08");
    await act(social, social.page.locator("form"), "Accept");
    await told(social, "Accepted");
    assert.match(await social.text(), /You, today 09:05: “Visit at home on Monday”[\s\S]*3 days left/);
  });
  await t.test("the co-ordinator's page follows, in its place until it is asked for", async () => {
    await coordinator.page.getByText(/“Visit at home on Monday”/).first().waitFor();
    await coordinator.page.getByRole("button", { name: "1 changed – show" }).waitFor();
  });
  await t.test("social work closes it", async () => {
    const line = social.page.locator("li.cc-line", { hasText: "Visit at home on Monday" });
    await line.getByRole("button", { name: /^Close/ }).click();
    await choose(social.page, "Action was taken");
    await social.page.getByLabel("What came of it?", { exact: true }).fill("He came to the office");
    await act(social, social.page.locator("form"), "Close");
    await told(social, "Closed");
    await social.page.getByText("Action taken: He came to the office").waitFor();
  });
  await t.test("and nothing went wrong", () => {
    assert.deepEqual([...coordinator.errors, ...social.errors], []);
  });
  await coordinator.close();
  await social.close();
});

test("a mistake: a critical alert goes to the top by itself, and is withdrawn", async (t) => {
  const visitor = await (await Visitor.at(origin())).signIn("coordinator");
  const { page } = visitor;
  await page.getByRole("heading", { name: /Accepted, not finished/ }).waitFor();
  await visitor.settled();
  await page.getByRole("link", { name: "Cases" }).focus();
  await playMistake(0);
  await page.getByRole("heading", { name: /^Act now \(1\)/ }).waitFor();
  await t.test("on top, without a click, without taking focus", async () => {
    assert.match(await visitor.text("article"), /Critical[\s\S]*Lachlan Pitkerro/);
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Cases");
    await told(visitor, "A critical alert has come");
  });
  await visitor.shot("coordinator-critical");
  await playMistake(1);
  await page.getByText(/Withdrawn 09:12: Police Scotland took this charge back/).first().waitFor();
  await page.getByRole("button", { name: "1 changed – show" }).click();
  await page.getByRole("heading", { name: "Does not hold any more (1)" }).waitFor();
  await visitor.shot("coordinator-withdrawn");
  await t.test("the reader says that they know", async () => {
    await act(visitor, page.locator("article"), "I know it does not hold");
    await page.locator("form").getByRole("button", { name: "I know it does not hold" }).click();
    await told(visitor, "Recorded");
    assert.doesNotMatch(await visitor.text(), /Does not hold any more/);
  });
  await visitor.close();
});

// The steps of the mistake beside the story, one after the other.
async function playMistake(index) {
  const steps = readFileSync(
    new URL("../story/mistake.jsonl", import.meta.url), "utf8").trim().split("\n");
  const until = steps.findIndex((step) => /retract/i.test(step));
  const path = temporary(`mistake-${index}.jsonl`);
  writeFileSync(path, (index === 0 ? steps.slice(0, until) : steps).join("\n") + "\n");
  await play(path);
}

// The hospital says that P6 did not keep an appointment of a service in the table: held,
// because nobody has decided that it may be shared.
async function holdOne() {
  const path = temporary("held.jsonl");
  const at = "2025-12-05T09:20:00Z";
  const steps = [
    {
      no: "held.0", at, by: "socialwork", say: "registers P6 by number once more", person: "P6", registers: true,
      call: "identity.Register", request: { identifiers: [{ scheme: "council", value: "DCC-20066" }] },
    },
    {
      no: "held.1", at, by: "nhs", say: "hospital reports an appointment not kept", person: "P6", answer: "AA",
      hl7: [
        "MSH|^~\\&|PAS|NHSTAYSIDE|CONCORDAT|EDGE|20251205092000||SIU^S26|HELD0001|T|2.4",
        "SCH|HELD-1||||||NOSHOW|||^^^20251205091500^20251205091900|||||||||||||||NOSHOW",
        "PID|1||2511740036^^^NHSSCOT^CHI||PITKERRO^LACHLAN||19741125|M",
        "RGS|1", "AIS|1||ALCTX^Alcohol treatment^LOCAL",
      ],
    },
  ];
  writeFileSync(path, steps.map((step) => `${JSON.stringify(step)}\n`).join(""));
  await play(path);
}

test("the liaison officer releases a held message under a decision of their own", async (t) => {
  await holdOne();
  const visitor = await (await Visitor.at(origin())).signIn("nhs");
  const { page } = visitor;
  await visitor.go("/liaison");
  const item = page.locator("li.cc-line", { hasText: "today 09:2" }).first();
  await item.waitFor();
  const reference = await item.getAttribute("id");
  await t.test("only what can be released is offered, the rest says why not", async () => {
    assert.equal(await page.getByRole("button", { name: /^Release/ }).count(), 1);
    const leave = page.locator("li.cc-line", { hasText: "leave started" });
    await leave.getByText("It cannot be released: leave is never told by a message").waitFor();
  });
  await t.test("looking shows the fields of the board's inventory", async () => {
    await item.getByRole("button", { name: /^Look/ }).click();
    await item.locator("dl").waitFor();
    await visitor.shot("nhs-looking");
  });
  await t.test("without a decision nothing is released; one is made", async () => {
    await item.getByRole("button", { name: /^Release/ }).click();
    await item.getByText("A decision is needed first").waitFor();
    await item.getByRole("button", { name: "Make the decision" }).click();
    await choose(item, /whether appointments are kept/);
    await item.getByLabel("Of which service?", { exact: true }).selectOption({ label: "Alcohol treatment" });
    await item.getByLabel("Why?", { exact: true }).selectOption({ index: 3 });
    await item.getByLabel("Until", { exact: true }).fill("2026-11-06");
    await item.getByRole("button", { name: "Decide", exact: true }).click();
    await item.getByText("Check before you go on").waitFor();
    assert.match(await item.innerText(), /They never hear of which service/);
    await visitor.shot("nhs-deciding");
    await item.getByRole("button", { name: "Yes, decide" }).click();
    await item.getByText("Under which decision?").waitFor();
  });
  await t.test("it is released, after a look at what that means", async () => {
    await choose(item, "needed for risk management");
    await item.getByRole("button", { name: "Release it" }).click();
    await item.getByText("What was released cannot be called back").waitFor();
    await visitor.shot("nhs-releasing");
    await item.getByRole("button", { name: "Yes, release it" }).click();
    await told(visitor, `Released: ${reference}`);
    await page.waitForFunction((id) => !document.getElementById(id), reference);
  });
  await t.test("another is left with a reason", async () => {
    const other = page.locator("li.cc-line", { hasText: "discharged" }).first();
    await other.getByRole("button", { name: /^Leave/ }).click();
    await choose(other, "nothing to share");
    await other.getByRole("button", { name: "Leave it" }).click();
    await other.getByRole("button", { name: "Yes, leave it" }).click();
    await told(visitor, "Left:");
  });
  await t.test("an identity review is looked at and decided", async () => {
    const review = page.locator("li.cc-line", { hasText: "Another address" }).first();
    await review.getByRole("button", { name: /^Look/ }).click();
    await review.getByText(/fleuchar/i).waitFor();
    await review.getByRole("button", { name: /^Decide/ }).click();
    await review.getByText("Is this where they live?").waitFor();
    // Of an address nobody is one or two.
    assert.doesNotMatch(await review.innerText(), /people|as it stands/i);
    await choose(review, "No: nothing changes");
    await choose(review, "records compared");
    await visitor.shot("nhs-deciding-address");
    await review.getByRole("button", { name: "Decide", exact: true }).click();
    await review.getByRole("button", { name: "Yes, decide" }).click();
    await told(visitor, "Decided: IR-1");
  });
  await t.test("axe finds nothing", async () => assert.deepEqual(await visitor.axe(), []));
  await t.test("and nothing went wrong", () => assert.deepEqual(visitor.errors, []));
  await visitor.close();
});

test("the co-ordinator changes a level after a look at what that means", async (t) => {
  const visitor = await (await Visitor.at(origin())).signIn("coordinator");
  const { page } = visitor;
  await visitor.go("/cases");
  await page.getByRole("link", { name: "Lachlan Pitkerro" }).click();
  await page.getByLabel("Reason, in a sentence", { exact: true }).fill("He asked for a change of his level.");
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await page.getByRole("button", { name: "Change the level" }).click();
  await choose(page, "Level 2");
  await page.locator("form").getByRole("button", { name: "Change the level" }).click();
  await page.getByText("The level changes from 1 to Level 2.").waitFor();
  await page.getByRole("button", { name: "Yes, change the level" }).click();
  // The story's day, not the machine's.
  await page.getByText(/Level 2, since 5 December 2025/).waitFor();
  await t.test("it stands in the history", async () => {
    assert.match(await visitor.text("table"), /Level changed from 1 to 2/);
  });
  await t.test("why: the line by which somebody sees it", async () => {
    await page.getByRole("link", { name: /^Why\?/ }).first().click();
    await page.getByLabel("For whom?", { exact: true }).selectOption({ label: "Tayside MAPPA: MAPPA co-ordinator" });
    await page.getByRole("button", { name: "Ask why" }).click();
    await page.getByRole("heading", { name: /MAPPA co-ordinator: sees it/ }).waitFor();
    assert.match(await visitor.text(), /tayside-demo version \d+, see\[\d+\]/);
    await visitor.shot("coordinator-why-answer");
    assert.deepEqual(await visitor.axe(), []);
    // What was said of one room is not said in the next.
    await told(visitor, "The answer is below");
    const which = page.getByLabel("Which?", { exact: true });
    const there = await which.inputValue();
    // An answer does not stay after an error.
    await which.fill("999999");
    await page.getByRole("button", { name: "Ask why" }).click();
    await page.getByText("This was not done").waitFor();
    assert.equal(await visitor.text("#told"), "");
    assert.doesNotMatch(await visitor.text(), /MAPPA co-ordinator: sees it/);
    await which.fill(there);
    await page.getByRole("button", { name: "Ask why" }).click();
    await told(visitor, "The answer is below");
    await visitor.go("/cases");
    assert.equal(await visitor.text("#told"), "");
  });
  await visitor.close();
});

test("find a person: by name, by number, and nobody", async (t) => {
  const visitor = await (await Visitor.at(origin())).signIn("coordinator");
  const { page } = visitor;
  await visitor.go("/find");
  const find = () => page.getByRole("button", { name: "Find", exact: true }).click();
  await page.getByLabel("Family name", { exact: true }).fill("balnamoon");
  await page.getByLabel("Given name", { exact: true }).fill("tor");
  await find();
  await page.getByRole("link", { name: "Torquil Balnamoon" }).waitFor();
  await visitor.shot("coordinator-found");
  await t.test("somebody else's person is nobody", async () => {
    await page.getByLabel("Family name", { exact: true }).fill("Craigowl");
    await page.getByLabel("Given name", { exact: true }).fill("Eilidh");
    await find();
    await page.getByText("Nobody found whom your agency has to do with").waitFor();
  });
  await t.test("a family name alone is not enough, and that is said in words", async () => {
    await page.getByLabel("Given name", { exact: true }).fill("");
    await find();
    await page.getByText("Enter the given name or the date of birth").first().waitFor();
    assert.doesNotMatch(await visitor.text(), /given_name/i);
    await page.getByLabel("Given name", { exact: true }).fill("Eilidh");
  });
  await t.test("script in a search is only text", async () => {
    await page.getByLabel("Family name", { exact: true }).fill(kScript);
    await find();
    assert.equal(await page.evaluate(() => window.taken), undefined);
  });
  await t.test("by number", async () => {
    await choose(page, "Number");
    await page.getByLabel("Which number?", { exact: true }).selectOption({ label: "PNC number" });
    await page.getByRole("textbox", { name: "Number", exact: true }).fill("1998/0990002E");
    await find();
    await page.getByRole("link", { name: "Torquil Balnamoon" }).waitFor();
  });
  await t.test("a key that is none names nobody, and asks for no purpose", async () => {
    await visitor.go("/person/p-somebody");
    await page.getByRole("heading", { name: "No record" }).waitFor();
    assert.match(await visitor.text(), /The address of this page names nobody/);
  });
  await t.test("a person by a guessed key is no record", async () => {
    await visitor.go(`/person/p-${"a".repeat(26)}`);
    await page.getByLabel("Reason, in a sentence", { exact: true }).fill("Trying what is not mine to see.");
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await page.getByRole("heading", { name: "No record" }).waitFor();
  });
  await visitor.close();
});

test("what is being written outlives the session", async (t) => {
  const visitor = await (await Visitor.at(origin())).signIn("upw-manager");
  const { page } = visitor;
  await page.getByRole("heading", { name: /Act now/ }).waitFor();
  const first = page.locator("article").first();
  await first.getByRole("button", { name: "This is wrong" }).click();
  await page.getByLabel("What is wrong with it?", { exact: true }).fill("He was at the other office, and signed there.");
  await page.getByText("Kept as a draft.").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  await t.test("nothing of the session stays on the page", async () => {
    assert.doesNotMatch(await visitor.text("body"), /Craigowl|other office/);
  });
  await visitor.signIn("upw-manager");
  await first.getByRole("button", { name: "This is wrong" }).click();
  await page.getByText("What you had written before is here again.").waitFor();
  assert.equal(await page.getByLabel("What is wrong with it?", { exact: true }).inputValue(), "He was at the other office, and signed there.");
  await t.test("another account does not find it", async () => {
    const other = await (await Visitor.at(origin())).signIn("service-manager");
    await other.page.getByRole("heading", { name: /Accepted, not finished|Act now|Nothing/ }).first().waitFor();
    assert.doesNotMatch(await other.heard(), /other office/);
    await other.close();
  });
  await visitor.close();
});

test("an idle session ends, seen 20 seconds before and put off with one key", async (t) => {
  const visitor = await Visitor.at(origin());
  const { page } = visitor;
  await page.clock.install();
  await visitor.signIn("coordinator");
  const idle = await page.evaluate(async () => (await (await fetch("/session")).json()).idleSeconds);
  await page.clock.fastForward((idle - 15) * 1_000);
  await page.getByText("You will be signed out in less than 20 seconds").waitFor();
  await visitor.shot("idle");
  await t.test("one key puts it off", async () => {
    await page.getByRole("button", { name: "Stay signed in" }).focus();
    await page.keyboard.press("Enter");
    await page.clock.runFor(1_000);
    await page.getByText("You will be signed out").waitFor({ state: "detached" });
  });
  await t.test("nothing done: names are gone, and it says why", async () => {
    await page.clock.fastForward((idle + 130) * 1_000);
    await page.getByText("because nothing happened here for a while").waitFor();
    assert.doesNotMatch(await visitor.text("body"), /Balnamoon|Inchbare/);
  });
  await visitor.close();
});
