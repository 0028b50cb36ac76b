// Measures a hub that console/run has made ready.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { closeBrowser, data, origin, signIns, Visitor } from "../../e2e/console/hub.mjs";

const messages = Number(process.argv[2] ?? 200);

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}
function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return `p50 ${percentile(sorted, 0.5).toFixed(0)} ms, p99 ${percentile(sorted, 0.99).toFixed(0)} ms, n ${sorted.length}`;
}

async function throttle(visitor, rate) {
  const session = await visitor.context.newCDPSession(visitor.page);
  await session.send("Emulation.setCPUThrottlingRate", { rate });
}

// Bytes over the wire of the first page, as the browser counts them.
async function weight() {
  const visitor = await Visitor.at(origin());
  await visitor.page.goto(origin());
  await visitor.page.getByLabel("Account", { exact: true }).waitFor();
  const files = await visitor.page.evaluate(() =>
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .map((one) => ({ name: new URL(one.name).pathname, wire: one.encodedBodySize, whole: one.decodedBodySize })));
  for (const file of files) console.log(`  ${file.name}: ${file.wire} bytes, ${file.whole} unpacked`);
  console.log(`first page: ${files.reduce((sum, file) => sum + file.wire, 0)} bytes over the wire`);
  await visitor.close();
}

// From the navigation until a key in the first field is painted; then from the click
// on "Sign in" until the first alert is.
async function interactive(rate) {
  const first = [];
  const today = [];
  for (let i = 0; i < 5; i += 1) {
    const visitor = await Visitor.at(origin());
    const { page } = visitor;
    await throttle(visitor, rate);
    const start = Date.now();
    await page.goto(origin(), { waitUntil: "commit" });
    await page.getByLabel("Account", { exact: true }).fill("coordinator");
    await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
    first.push(Date.now() - start);
    await page.getByLabel("Password", { exact: true }).fill(signIns().get("coordinator"));
    const click = Date.now();
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.locator("article").first().waitFor();
    today.push(Date.now() - click);
    await visitor.close();
  }
  console.log(`processor slowed ${rate} times: first key painted ${summary(first)}; sign-in to first alert ${summary(today)}`);
}

// The moments at which the alerts service says that an alert was raised or changed, to
// a reader beside the browser.
function followAlerts() {
  const follower = spawn(join(process.env.CONCORDAT_BIN, "concordat"),
    ["alerts", "--follow", "--json", "--profile", "coordinator", "--data", data]);
  const heard = [];
  follower.stdout.on("data", () => heard.push(performance.timeOrigin + performance.now()));
  return { heard, stop: () => follower.kill() };
}

// A hospital's message in, and the co-ordinator's page painted with it.
async function painted() {
  const visitor = await (await Visitor.at(origin())).signIn("coordinator");
  const { page } = visitor;
  await page.locator("article").first().waitFor();
  // Every fact that comes to the open alert is a line of it.
  await page.evaluate(() => {
    window.painted = 0;
    const facts = () => document.querySelectorAll("article .ds_details__text li").length;
    let before = facts();
    new MutationObserver(() => {
      if (facts() === before) return;
      before = facts();
      requestAnimationFrame(() => { window.painted = performance.timeOrigin + performance.now(); });
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
  const port = Number(/^mllp=.*:(\d+)$/m.exec(readFileSync(join(data, "run/concordat-adapter.addr"), "utf8"))[1]);
  const socket = net.connect(port, "127.0.0.1");
  const answer = () => new Promise((done) => { socket.once("data", done); });
  const follower = followAlerts();
  const times = [];
  const sinceRaised = [];
  for (let i = 0; i < messages; i += 1) {
    const at = new Date(Date.UTC(2025, 11, 5, 9, 5, 0) - (messages - i) * 60_000)
      .toISOString().replace(/[-:T]/g, "").slice(0, 14);
    const message = [
      `MSH|^~\\&|PAS|NHSTAYSIDE|CONCORDAT|EDGE|20251205090500||SIU^S26|BENCH${i}|T|2.4`,
      `SCH|BENCH${i}||||||NOSHOW|||^^^${at}^${at}|||||||||||||||NOSHOW`,
      "PID|1||0303790016^^^NHSSCOT^CHI||BALNAMOON^TORQUIL||19790303|M",
      "RGS|1", "AIS|1||ALCTX^Alcohol treatment^LOCAL",
    ].join("\r");
    await page.evaluate(() => { window.painted = 0; });
    const answered = answer();
    const sent = performance.timeOrigin + performance.now();
    socket.write(`\x0b${message}\x1c\r`);
    await answered;
    await page.waitForFunction(() => window.painted > 0, undefined, { timeout: 10_000, polling: 5 });
    const painted = await page.evaluate(() => window.painted);
    times.push(painted - sent);
    const raised = follower.heard.find((at) => at > sent);
    if (raised !== undefined) sinceRaised.push(painted - raised);
  }
  socket.destroy();
  follower.stop();
  console.log(`hospital's message in to painted: ${summary(times)}`);
  console.log(`alert raised or changed to painted: ${summary(sinceRaised)}`);
  await visitor.close();
}

await weight();
await interactive(1);
await interactive(4);
await painted();
await closeBrowser();
