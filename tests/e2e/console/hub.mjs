// The hub under test, and a browser with people at it.
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";

const require = createRequire(new URL("../../package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const env = (name) => {
  if (!process.env[name]) throw new Error(`${name} is not set; console_test.sh does`);
  return process.env[name];
};
export const data = env("CONCORDAT_DATA");
const source = env("CONCORDAT_SOURCE");
const bin = env("CONCORDAT_BIN");
export const shots = join(env("CONCORDAT_BUILD"), "console-screenshots");
mkdirSync(shots, { recursive: true });

// "https=127.0.0.1:8443" of the gateway's address file.
export function gatewayPort() {
  const text = readFileSync(join(data, "run/concordat-gateway.addr"), "utf8");
  return Number(/^https=.*:(\d+)$/m.exec(text)[1]);
}
export const origin = () => `https://localhost:${gatewayPort()}`;

// Account to password: made by the demo's gateway.
export function signIns() {
  const lines = readFileSync(join(data, "gateway/demo-sign-ins"), "utf8").trim().split("\n");
  return new Map(lines.map((line) => line.split("\t")).map(([account, password]) => [account, password]));
}

export function concordat(...args) {
  return execFileSync(join(bin, "concordat"), [...args, "--data", data], { encoding: "utf8" });
}
export function concordatLater(...args) {
  return promisify(execFile)(join(bin, "concordat"), [...args, "--data", data], { encoding: "utf8" });
}
export function encore() {
  return promisify(execFile)(join(source, "deploy/demo/encore"), ["--data", data], {
    env: { ...process.env, CONCORDAT_BIN: bin }, encoding: "utf8",
  });
}
// Plays steps that are written in a test.
export function play(story) {
  return concordatLater("demo", "play", "--story", story);
}

// Person keys by the story's names, P1 to P6, from what identity was asked to register.
export function namesAndNumbers() {
  const people = new Map();
  for (const line of readFileSync(join(source, "deploy/demo/story.jsonl"), "utf8").trim().split("\n")) {
    const step = JSON.parse(line);
    if (step.call !== "identity.Register" || !step.request.familyName) continue;
    people.set(step.person, {
      name: step.request.familyName,
      given: step.request.givenName,
      numbers: step.request.identifiers.filter((one) => one.scheme !== "local").map((one) => one.value),
    });
  }
  return people;
}

export const pidOf = (program) => {
  const file = join(data, `run/${program}.pid`);
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
};

let browser;
export async function openBrowser() {
  browser ??= await chromium.launch({
    executablePath: env("CHROMIUM"),
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
      "--lang=en-GB",
    ],
  });
  return browser;
}
export async function closeBrowser() {
  await browser?.close();
  browser = undefined;
}

export const kDesk = { width: 1366, height: 768 };
export const kPhone = { width: 320, height: 640 };
export const kWall = { width: 1920, height: 1080 };

// Somebody with a browser of their own. Keeps all that the hub answered them, the alert
// stream too, but for the console's own files, which are everybody's.
export class Visitor {
  answers = [];
  // What the page asked of anybody else than the hub, and what went wrong on it.
  strays = [];
  errors = [];

  static async at(base, options = {}) {
    const visitor = new Visitor();
    const context = await (await openBrowser()).newContext({
      viewport: kDesk, locale: "en-GB", timezoneId: "America/New_York", ignoreHTTPSErrors: true,
      ...options,
    });
    visitor.context = context;
    visitor.page = await context.newPage();
    visitor.page.setDefaultTimeout(15_000);
    visitor.base = base;
    visitor.#listen();
    await visitor.page.addInitScript(() => {
      // The stream never ends, so its answer is taken as it comes; of the others it is
      // counted how many are not there yet.
      const real = window.fetch;
      window.streamed = "";
      window.asked = 0;
      window.fetch = async (...args) => {
        if (!String(args[0]).includes("/alerts/stream")) {
          window.asked += 1;
          const answered = () => { window.asked -= 1; };
          const answer = real(...args);
          answer.then((response) => response.clone().arrayBuffer()).then(answered, answered);
          return answer;
        }
        const response = await real(...args);
        if (!response.body) return response;
        const [ours, theirs] = response.body.tee();
        (async () => {
          const reader = ours.pipeThrough(new TextDecoderStream()).getReader();
          for (;;) {
            const { value, done } = await reader.read().catch(() => ({ done: true }));
            if (done) return;
            window.streamed += value;
          }
        })();
        return new Response(theirs, { status: response.status, headers: response.headers });
      };
    });
    return visitor;
  }

  #listen() {
    this.page.on("request", (request) => {
      if (!request.url().startsWith(this.base) && !request.url().startsWith("data:")) {
        this.strays.push(request.url());
      }
    });
    this.page.on("response", async (response) => {
      const path = new URL(response.url()).pathname;
      if (path.startsWith("/assets/") || path === "/" || path === "/alerts/stream") return;
      const body = await response.body().catch(() => Buffer.alloc(0));
      this.answers.push({ path, status: response.status(), body: body.toString("latin1") });
    });
    this.page.on("pageerror", (error) => this.errors.push(error.message));
    this.page.on("console", (message) => {
      const text = message.text();
      if (message.type() !== "error") return;
      // Answers, not faults: nobody is signed in at first; nobody's case is about them.
      if (/401/.test(text) || (/404/.test(text) && message.location().url.endsWith("/GetCase"))) return;
      this.errors.push(`${text} ${message.location().url}`);
    });
  }

  // All that the hub answered, as one text; but for the answers to one path.
  async heard(but = "") {
    const streamed = await this.page.evaluate(() => window.streamed).catch(() => "");
    const answers = this.answers.filter((one) => one.path !== but);
    return [...answers.map((one) => `${one.path} ${one.body}`), streamed].join("\n");
  }

  async signIn(account) {
    await this.page.goto(this.base);
    await this.page.getByLabel("Account", { exact: true }).fill(account);
    await this.page.getByLabel("Password", { exact: true }).fill(signIns().get(account));
    await this.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await this.page.locator(".cc-strip").waitFor();
    return this;
  }

  async go(room) {
    await this.page.evaluate((hash) => { location.hash = hash; }, room);
    await this.settled();
  }

  // Nothing is loading any more: what was asked is answered, and what followed from the
  // answers is painted, for some frames.
  async settled() {
    await this.page.evaluate(() => { window.calm = 0; });
    await this.page.waitForFunction(() => {
      const busy = window.asked > 0 || document.querySelector(".cc-loading");
      window.calm = busy ? 0 : window.calm + 1;
      return window.calm > 3;
    });
  }

  text(selector = "main") {
    return this.page.locator(selector).innerText();
  }

  async shot(name) {
    await this.page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
  }

  // What axe finds by WCAG 2.2 A and AA and its best practices: none, or words that say what.
  async axe() {
    if (!(await this.page.evaluate(() => "axe" in window))) {
      // The page's policy allows no script but the hub's own, so the browser's own door
      // is used, as a developer's tools do.
      const session = await this.context.newCDPSession(this.page);
      await session.send("Runtime.evaluate", { expression: axeSource });
      await session.detach();
    }
    const found = await this.page.evaluate(async () => {
      // Colours on their way from one to another are nobody's to read.
      const ending = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < Infinity);
      await Promise.allSettled(ending.map((one) => one.finished));
      const result = await window.axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      });
      return result.violations.map((one) =>
        `${one.id}: ${one.help}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).join(" | ")}`);
    });
    return found;
  }

  async overflow() {
    return this.page.evaluate(() =>
      document.documentElement.scrollWidth - document.documentElement.clientWidth);
  }

  async close() {
    await this.context.close();
  }
}

// A word of story.md or users.md that may not be there, or undefined.
export function firstOf(words, text) {
  const low = text.toLowerCase();
  return words.find((word) => low.includes(word.toLowerCase()));
}

export function temporary(name) {
  return join(mkdtempSync(join(env("CONCORDAT_WORK"), "console-")), name);
}
