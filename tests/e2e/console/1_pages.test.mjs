// Everybody's own pages at the end of the story: what the co-ordinator reads, what each
// profile must not be told, what axe finds, how every room looks.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  closeBrowser, firstOf, kDesk, kPhone, kWall, namesAndNumbers, origin, Visitor,
} from "./hub.mjs";

after(closeBrowser);

// In this order, somewhere on the page.
function inOrder(page, lines) {
  let from = 0;
  for (const line of lines) {
    const at = page.indexOf(line, from);
    assert.ok(at >= 0, `"${line}" is not there, after character ${from} of:\n${page}`);
    from = at + line.length;
  }
}

test("signing in", async (t) => {
  const visitor = await Visitor.at(origin());
  const { page } = visitor;
  await page.goto(origin());
  await page.getByLabel("Account", { exact: true }).waitFor();

  await t.test("the environment is said before anything else", async () => {
    assert.match(await visitor.text("body"), /TRAINING AND DEMONSTRATION – INVENTED PEOPLE/);
  });
  await t.test("nothing written: says what to do", async () => {
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    assert.match(await visitor.text(), /Enter your account[\s\S]*Enter your password/);
  });
  await t.test("a wrong password is refused and not told apart from a wrong account", async () => {
    const told = [];
    for (const account of ["coordinator", "nobody-of-that-name"]) {
      await page.getByLabel("Account", { exact: true }).fill(account);
      await page.getByLabel("Password", { exact: true }).fill("not the password");
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
      await page.getByText("This was not done").waitFor();
      told.push(await page.locator(".ds_error-summary").innerText());
    }
    assert.equal(told[0], told[1]);
  });
  await t.test("a password may be pasted, and managers know the fields", async () => {
    const password = page.getByLabel("Password", { exact: true });
    assert.equal(await password.getAttribute("autocomplete"), "current-password");
    assert.equal(await page.getByLabel("Account", { exact: true }).getAttribute("autocomplete"), "username");
    await password.fill("");
    await password.focus();
    await page.evaluate(() => {
      const field = document.activeElement;
      const paste = new ClipboardEvent("paste", { clipboardData: new DataTransfer(), bubbles: true, cancelable: true });
      window.pasteStopped = !field.dispatchEvent(paste);
    });
    assert.equal(await page.evaluate(() => window.pasteStopped), false);
  });
  await t.test("axe finds nothing", async () => assert.deepEqual(await visitor.axe(), []));
  await page.reload();
  await page.getByLabel("Account", { exact: true }).waitFor();
  await visitor.shot("sign-in");
  await page.setViewportSize(kPhone);
  assert.equal(await visitor.overflow(), 0);
  await visitor.shot("sign-in-320");
  await visitor.close();
});

test("the co-ordinator's Today reads as users.md 9.1 has it", async (t) => {
  const visitor = await (await Visitor.at(origin())).signIn("coordinator");
  await visitor.page.getByText("Torquil Balnamoon").first().waitFor();
  await visitor.settled();
  const strip = await visitor.text(".cc-strip");
  const page = await visitor.text();
  await t.test("the strip", () => {
    inOrder(strip, [
      "TRAINING AND DEMONSTRATION – INVENTED PEOPLE", "Tayside MAPPA", "M. Carnbee",
      "Purpose: managing risk of serious harm", "Friday 5 December 2025",
    ]);
    assert.match(strip, /Live – checked 09:0\d:\d\d/);
    assert.match(strip, /Find a person/);
  });
  await t.test("the sources, then what to act on, then what is accepted, then what was closed", () => {
    inOrder(page, [
      "All sources are sending. Oldest: NHS Tayside hospital messages, yesterday 00:00.",
      "Act now (1)",
      "Accept by 11:00",
      "Torquil Balnamoon, born 3 March 1979",
      "Registered sex offender, Level 2. Lead: Dundee Justice social work – A. Carse, 01382 000000",
      "Dundee City Council sent a breach report to the Parole Board: failed to report.",
      "Happened today 08:40. Concordat knew 08:40.",
      "Accept", "Pass on", "This is wrong",
      "Why am I seeing this?", "Not shared with you:", "health details",
      "Accepted, not finished (3)",
      "Alasdair Kinnordy", "You, 21 November 08:50: “child protection told; meeting by 12 Dec”", "7 days left",
      "Ruaridh Inchbare", "22 November 02:17",
      "Ruaridh Inchbare", "21 November 23:58",
      "Closed in the last day (1)",
      "Torquil Balnamoon", "08:45", "breach report sent",
    ]);
    assert.doesNotMatch(page, /What you cannot see/);
  });
  await t.test("words that are never used", () => {
    const rest = `${strip} ${page}`.toLowerCase()
      .replaceAll("registered sex offender", "").replaceAll("breach report", "");
    for (const word of ["payload", "event", "subject", "breach", "subscriber", "dead letter", "offender"]) {
      assert.doesNotMatch(rest, new RegExp(`\\b${word}`), word);
    }
  });
  await t.test("why: the rule, the facts with dates and agencies, the line of the agreement", async () => {
    await visitor.page.getByText("Why am I seeing this?").first().click();
    const why = await visitor.text("article details[open]");
    assert.match(why, /breach report/);
    assert.match(why, /5 December/);
    assert.match(why, /tayside-demo version \d+, see\[\d+\]/);
    assert.match(why, /Rule R01/);
  });
  await t.test("clocks are London's, though the browser is in New York", () => {
    assert.match(page, /08:40/);
  });
  await t.test("nothing was asked of anybody but the hub, and nothing went wrong", () => {
    assert.deepEqual(visitor.strays, []);
    assert.deepEqual(visitor.errors, []);
  });
  await visitor.close();
});

const kAgreements = "/concordat.bus.v1.BusService/ListAgreements";
// Rooms of each profile, people by their names in the story.
const kRooms = {
  coordinator: ["/", "/find", "/cases", "/why", "/wall"],
  police: ["/", "/find", "/cases", "/why"],
  nhs: ["/", "/find", "/cases", "/liaison", "/why"],
  socialwork: ["/", "/find", "/cases", "/why"],
  "duty-senior": ["/", "/cases"],
  "upw-manager": ["/", "/find"],
  "service-manager": ["/", "/cases"],
  admin: ["/exchange", "/why", "/wall"],
};
// Whose room it is, for its picture at 320 px.
const kOnly = {
  coordinator: ["/", "/find", "/cases", "/why", "/wall"],
  nhs: ["/liaison"],
  admin: ["/exchange"],
};
// Section 5 of story.md. Names reach a page by identity alone, and never of these people.
// A type that somebody gets no fact of is named nowhere but in the text of the agreement
// that their own agency signed: a party may read what everybody promised in it.
const kNever = {
  coordinator: { people: ["P5"], words: ["ALCTX", "ALCOHOL", "orthopaed", "Fleuchar"], types: ["FirstContactMade", "AppointmentMissed"] },
  police: { people: ["P5"], words: ["ALCTX", "ALCOHOL", "orthopaed", "Fleuchar", "not engaging", "THREATS_ABOUT", "unpaid work"], types: ["EngagementReported", "ReferralSubmitted", "FirstContactMade"] },
  nhs: { people: ["P3", "P5"], words: ["ALCTX", "breach report"], types: ["ChargeRecorded", "ConcernShared", "DomesticIncident", "VisitRecorded", "OrderImposed", "ContactRecorded", "AssessmentCompleted", "BreachSubmitted"] },
  socialwork: { people: ["P1", "P4"], words: ["ALCTX", "ALCOHOL", "orthopaed", "Fleuchar", "AWOL", "absent without leave"], types: ["ManagementStarted", "RiskInformationDisclosed", "AppointmentMissed"] },
  "duty-senior": { people: ["P1", "P4"], words: ["ALCTX", "ALCOHOL", "orthopaed", "Fleuchar"], types: [] },
  "upw-manager": { people: ["P1", "P2", "P3", "P4"], words: ["ALCTX", "ALCOHOL", "orthopaed", "Fleuchar"], types: ["ChargeRecorded"] },
  "service-manager": { people: ["P1", "P4"], words: ["ALCTX", "ALCOHOL", "orthopaed", "Fleuchar"], types: [] },
  admin: { people: ["P1", "P2", "P3", "P4", "P5", "P6"], words: ["ALCTX", "ALCOHOL", "orthopaed", "Fleuchar", "breach report"], types: [] },
};
const kAlerts = {
  police: [/Accepted, not finished \(1\)/, /Alasdair Kinnordy/],
  nhs: [/held for you to decide/],
  socialwork: [/Act now \(/, /Ruaridh Inchbare/],
  "upw-manager": [/Act now \(1\)/, /Eilidh Craigowl/],
  "service-manager": [/Act now \(1\)/, /Eilidh Craigowl/],
  "duty-senior": [/Act now \(1\)/, /Torquil Balnamoon/],
  admin: [/Log/, /Connections and lag/],
};

for (const [account, rooms] of Object.entries(kRooms)) {
  test(`the pages of ${account}`, async (t) => {
    const visitor = await (await Visitor.at(origin())).signIn(account);
    await visitor.settled();
    for (const pattern of kAlerts[account] ?? []) assert.match(await visitor.text(), pattern);
    const hrefs = new Set();
    for (const room of rooms) {
      await visitor.go(room);
      const name = `${account}${room.replace(/\//g, "-").replace(/-$/, room === "/" ? "-today" : "")}`;
      for (const href of await visitor.page.$$eval('main a[href^="#/person/"]', (links) =>
        links.map((link) => link.getAttribute("href").split("?")[0].slice(1)))) hrefs.add(href);
      await t.test(`${room}: axe finds nothing`, async () => assert.deepEqual(await visitor.axe(), []));
      await visitor.shot(name);
      await visitor.page.setViewportSize(kPhone);
      await t.test(`${room}: fits 320 px`, async () => assert.equal(await visitor.overflow(), 0));
      // Of a room that others have too, one at this width is enough to look at.
      if (kOnly[account]?.includes(room)) await visitor.shot(`${name}-320`);
      await visitor.page.setViewportSize(kDesk);
    }
    const [first] = hrefs;
    for (const href of hrefs) {
      await visitor.go(href);
      await visitor.page.getByText("Why do you open this person?").waitFor();
      const open = () => visitor.page.getByRole("button", { name: "Open", exact: true }).click();
      if (href === first) {
        await t.test("a person without a task is opened for a purpose, in words", async () => {
          assert.deepEqual(await visitor.axe(), []);
          await open();
          assert.match(await visitor.text(), /Say why you open this person/);
        });
      }
      await visitor.page.getByLabel("Reason, in a sentence", { exact: true }).fill("Preparing the meeting of next week.");
      await open();
      await visitor.page.getByRole("heading", { name: "Standing" }).waitFor();
      await visitor.settled();
      const who = (await visitor.text("h1")).split(",")[0].split(" ").pop();
      // Social work notified this one, which is not for police: what they hold themselves is.
      if (account === "police" && who === "Pitkerro") {
        assert.match(await visitor.text(), /Managed by police\s+Registered sex offender, since 3 November 2025/);
      }
      // All there is to a person's page is on the co-ordinator's; of the others' one each.
      if (account === "coordinator" || href === first) {
        await t.test(`${who}: axe finds nothing`, async () => assert.deepEqual(await visitor.axe(), []));
      }
      await visitor.shot(`${account}-person-${who}`);
      await visitor.page.setViewportSize(kPhone);
      await t.test(`${who}: fits 320 px`, async () => assert.equal(await visitor.overflow(), 0));
      if (account === "coordinator" && href === first) await visitor.shot(`${account}-person-${who}-320`);
      await visitor.page.setViewportSize(kDesk);
    }
    await t.test("is told nothing that it must not see", async () => {
      const heard = await visitor.heard();
      assert.ok(heard.length > 1_000, "it was told something");
      const people = namesAndNumbers();
      const never = kNever[account];
      const words = [...never.words];
      for (const one of never.people) words.push(people.get(one).name, people.get(one).given, ...people.get(one).numbers);
      // Of those who may be known: never a CHI or PNC number, by whatever way.
      for (const { numbers } of people.values()) words.push(...numbers.filter((number) => !number.startsWith("DCC-")));
      for (const [forbidden, text] of [[words, heard], [never.types, await visitor.heard(kAgreements)]]) {
        const found = firstOf(forbidden, text);
        const where = found && text.split("\n").find((line) => line.toLowerCase().includes(found.toLowerCase()));
        assert.equal(found, undefined, `${found} in ${where?.slice(0, 300)}`);
      }
      if (account === "admin") assert.doesNotMatch(heard, /p-[a-z2-7]{26}/);
    });
    await t.test("nothing was asked of anybody but the hub, and nothing went wrong", () => {
      assert.deepEqual(visitor.strays, []);
      assert.deepEqual(visitor.errors, []);
    });
    await visitor.close();
  });
}

test("a room of another role says whose it is, and loads nothing", async () => {
  const visitor = await (await Visitor.at(origin())).signIn("police");
  for (const [room, whose] of [
    ["/liaison", /This room is the MAPPA health liaison officer's/],
    ["/exchange", /This room is the hub operator's/],
  ]) {
    await visitor.go(room);
    assert.match(await visitor.text(), whose);
    assert.equal(await visitor.page.locator(".cc-loading").count(), 0);
    assert.deepEqual(await visitor.axe(), []);
  }
  await visitor.shot("police-liaison");
  await visitor.close();
});

test("how it looks on a wall, in the dark, on paper, and with much contrast", async (t) => {
  const wall = await (await Visitor.at(origin(), { viewport: kWall })).signIn("coordinator");
  await wall.go("/wall");
  const words = await wall.text();
  for (const { name } of namesAndNumbers().values()) assert.ok(!words.includes(name), `${name} is on the wall`);
  await wall.shot("wall");
  await wall.close();

  for (const [name, options] of [
    ["dark", { colorScheme: "dark" }],
    ["contrast", { forcedColors: "active" }],
    ["still", { reducedMotion: "reduce" }],
  ]) {
    const visitor = await (await Visitor.at(origin(), options)).signIn("coordinator");
    await visitor.page.getByText("Torquil Balnamoon").first().waitFor();
    await visitor.settled();
    await t.test(`${name}: axe finds nothing`, async () => assert.deepEqual(await visitor.axe(), []));
    await visitor.shot(`coordinator-today-${name}`);
    if (name === "dark") {
      await visitor.page.emulateMedia({ media: "print", colorScheme: "light" });
      await t.test("on paper the environment is said, and buttons are not there", async () => {
        assert.match(await visitor.text("body"), /INVENTED PEOPLE/);
        assert.equal(await visitor.page.getByRole("button", { name: "Accept" }).isVisible(), false);
      });
      await t.test("on paper the reader has a name", async () => {
        const paper = await visitor.text();
        assert.match(paper, /M\. Carnbee, 21 November 08:50: “child protection told/);
        assert.doesNotMatch(paper, /\bYou,/);
      });
      await visitor.shot("coordinator-today-print");
    }
    await visitor.close();
  }
});
