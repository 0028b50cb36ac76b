// How the page stands when the way to the hub, or a source, does not: a proxy that
// buffers, a hub that is down, a feed that is silent.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import https from "node:https";
import { after, test } from "node:test";
import {
  closeBrowser, concordatLater, gatewayPort, origin, pidOf, temporary, Visitor,
} from "./hub.mjs";

after(closeBrowser);

// When the page holds a stream for mute, how often it asks then, how long it waits for
// an answer, and when it tries another stream (src/hub/live.ts, src/hub/services.ts). Its
// clock is put forward by so much: nobody waits.
const kMuteMs = 15_000;
const kPollMs = 10_000;
const kAnswerMs = 20_000;
const kReopenMs = 30_000;

// What the strip says of the connection, when it says that.
function live(page, words) {
  return page.locator(".cc-live", { hasText: words });
}

// As those that look into TLS do: takes an answer whole before it gives any of it.
async function bufferingProxy() {
  const key = temporary("proxy.key");
  const certificate = temporary("proxy.pem");
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
    "-addext", "subjectAltName=DNS:localhost",
  ], { stdio: "ignore" });
  const waiting = new Set();
  const server = https.createServer(
    { key: readFileSync(key), cert: readFileSync(certificate) },
    (request, answer) => {
      const onward = https.request(
        {
          host: "127.0.0.1", port: gatewayPort(), path: request.url, method: request.method,
          headers: request.headers, rejectUnauthorized: false, servername: "localhost",
        },
        (response) => {
          const pieces = [];
          response.on("data", (piece) => pieces.push(piece));
          response.on("end", () => {
            answer.writeHead(response.statusCode, response.headers);
            answer.end(Buffer.concat(pieces));
          });
          response.on("error", () => answer.destroy());
        });
      waiting.add(onward);
      onward.on("close", () => waiting.delete(onward));
      onward.on("error", () => answer.destroy());
      answer.on("close", () => onward.destroy());
      request.pipe(onward);
    });
  await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  return {
    origin: `https://localhost:${server.address().port}`,
    close: () => {
      for (const one of waiting) one.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

test("the story goes on a day: pages that are open follow, without reload", async (t) => {
  const open = async (account, room) => {
    const visitor = await (await Visitor.at(origin())).signIn(account);
    await visitor.go(room);
    return visitor;
  };
  const today = await open("coordinator", "/");
  const exchange = await open("admin", "/exchange");
  const person = await open("coordinator", "/cases");
  await person.page.getByRole("link", { name: "Torquil Balnamoon" }).first().click();
  await person.page.getByLabel("Reason, in a sentence", { exact: true }).fill("Preparing the meeting of next week.");
  await person.page.getByRole("button", { name: "Open", exact: true }).click();
  await person.page.getByRole("heading", { name: "Standing" }).waitFor();
  const pages = [today, exchange, person];
  for (const { page } of pages) await page.locator(".cc-strip__day", { hasText: "Friday 5 December 2025" }).waitFor();
  await t.test("there is one today: a time of the machine's has its date", async () => {
    assert.match(await exchange.text("#feeds-title ~ table"), /today 02:00/);
    const since = await exchange.text("#subscriptions-title ~ div");
    assert.match(since, /connected since \d+ [A-Z][a-z]+ 20\d\d \d\d:\d\d/);
    assert.doesNotMatch(since, /connected since \d\d:/);
  });

  await concordatLater("demo", "advance", "1d");

  for (const { page } of pages) {
    await page.locator(".cc-strip__day", { hasText: "Saturday 6 December 2025" }).waitFor();
    await live(page, /^Live – checked \d\d:\d\d:\d\d$/).waitFor();
  }
  await t.test("what depends on the time is read again: sources, alerts", async () => {
    await today.page.getByText(/Dundee case files have not come since yesterday 02:00/).waitFor();
    await today.page.locator(".cc-side").getByText(/Silent since/).waitFor();
    await exchange.page.getByRole("cell", { name: /^silent since today/ }).waitFor();
    await today.page.getByText("6 days left (Friday 12 December, as promised)").first().waitFor();
    await today.page.getByText("Overdue since yesterday (the usual limit)").first().waitFor();
  });
  await t.test("a wall screen too, with the numbers of Today", async () => {
    await today.page.getByRole("button", { name: /changed – show$/ }).click();
    const page = await today.text();
    await today.go("/wall");
    const wall = await today.text();
    for (const [section, box] of [["Act now", "to act on"], ["Accepted, not finished", "accepted, not finished"]]) {
      const count = new RegExp(`${section} \\((\\d+)\\)`).exec(page)?.[1] ?? "0";
      assert.match(wall, new RegExp(`(^|\\s)${count}\\s+${box}`), `${section} (${count}) on the wall:\n${wall}`);
    }
    assert.match(wall, /1\s+source silent/);
  });
  await t.test("and nothing went wrong", () => {
    for (const { errors } of pages) assert.deepEqual(errors, []);
  });
  await exchange.shot("exchange-next-day");
  for (const visitor of pages) await visitor.close();
});

test("through a proxy that buffers the page polls, says so, and still gets what is new", async (t) => {
  const proxy = await bufferingProxy();
  const visitor = await Visitor.at(proxy.origin);
  const { page } = visitor;
  await page.clock.install();
  await visitor.signIn("service-manager");
  await visitor.settled();
  await page.clock.fastForward(kMuteMs + 1_000);
  await live(page, /^Checking every 10 seconds$/).waitFor();
  await visitor.settled();
  await visitor.shot("checking");
  const polled = async () => {
    const answer = page.waitForResponse((response) => response.url().endsWith("/ListAlerts"));
    await page.clock.fastForward(kPollMs + 1_000);
    await answer;
  };
  await t.test("it asks again and again", async () => {
    await polled();
    await polled();
  });
  await t.test("what is due is shown by the list alone", async () => {
    // Nobody accepts the unpaid work manager's alert, and time goes on by a day.
    await concordatLater("demo", "advance", "1d");
    await polled();
    await page.getByText("Sunday 7 December 2025").waitFor();
  });
  await visitor.close();
  proxy.close();
});

test("a feed goes silent and every page says so, before any alert", async (t) => {
  const visitor = await (await Visitor.at(origin())).signIn("coordinator");
  const { page } = visitor;
  await page.getByText("What you cannot see").waitFor();
  const words = await visitor.text();
  assert.match(words, /Dundee case files have not come since/);
  assert.match(words, /No news is not good news\./);
  assert.doesNotMatch(words, /All sources are sending/);
  await t.test("it stands before the alerts", () => {
    assert.ok(words.indexOf("What you cannot see") < words.indexOf("Accepted, not finished"));
  });
  await t.test("axe finds nothing", async () => assert.deepEqual(await visitor.axe(), []));
  await visitor.shot("coordinator-silent");
  await visitor.close();
});

test("the gateway is gone: the page says since when, and comes back by itself", async (t) => {
  const visitor = await Visitor.at(origin());
  const { page } = visitor;
  await page.clock.install();
  await visitor.signIn("coordinator");
  await live(page, /^Live – checked/).waitFor();
  await visitor.settled();
  const pid = pidOf("concordat-gateway");
  assert.ok(pid > 0);
  // Stopped, not ended: its supervisor would start it anew.
  process.kill(pid, "SIGSTOP");
  try {
    await page.clock.fastForward(kMuteMs + 1_000);
    await live(page, /^Checking every 10 seconds$/).waitFor();
    await page.clock.fastForward(kAnswerMs + 1_000);
    await live(page, /^Not connected since \d\d:\d\d\. Use the telephone list\.$/).waitFor();
    await visitor.shot("not-connected");
    await t.test("what was there can still be read", async () => {
      assert.match(await visitor.text(), /Accepted, not finished/);
    });
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await page.clock.fastForward(kReopenMs + 1_000);
  await live(page, /^Live – checked/).waitFor();
  await visitor.close();
});
