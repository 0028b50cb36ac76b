// What catches which bug:
//   mute for 15 s not noticed, or too early      -> "a mute stream is noticed"
//   polled once and never again                  -> "polls every 10 seconds"
//   lost although the list answers               -> "a list that answers is contact"
//   "not connected since" moves with each try    -> "since when contact was lost"
//   a stream that comes back goes unnoticed      -> "back to live"
//   the stream is asked for in a tight loop      -> "a stream that ends is asked for less and less often"
import { describe, expect, test } from "vitest";
import { EventParser } from "../src/hub/event_stream";
import { kMuteMs, Live } from "../src/hub/live";

function run(live: Live, from: number, to: number): [number, string][] {
  const actions: [number, string][] = [];
  for (let now = from; now <= to; now += 1_000) {
    for (const action of live.tick(now)) actions.push([now, action]);
  }
  return actions;
}

describe("the live connection", () => {
  test("a mute stream is noticed after 15 seconds", () => {
    const live = new Live(0);
    live.heard(1_000);
    expect(live.kind).toBe("live");
    expect(run(live, 2_000, 15_000)).toEqual([]);
    expect(live.kind).toBe("live");
    expect(live.tick(1_000 + kMuteMs)).toEqual(["poll"]);
    expect(live.kind).toBe("checking");
  });

  test("so is one that never said anything", () => {
    const live = new Live(0);
    expect(live.kind).toBe("starting");
    run(live, 1_000, kMuteMs);
    expect(live.kind).toBe("checking");
  });

  test("polls every 10 seconds", () => {
    const live = new Live(0);
    const polls: number[] = [];
    for (let now = 1_000; now <= 60_000; now += 1_000) {
      if (live.tick(now).includes("poll")) {
        polls.push(now);
        live.polled(now, true);
      }
    }
    expect(polls).toEqual([15_000, 25_000, 35_000, 45_000, 55_000]);
    expect(live.kind).toBe("checking");
  });

  test("a list that answers is contact; one that does not is none", () => {
    const live = new Live(0);
    run(live, 1_000, kMuteMs);
    live.polled(16_000, false);
    expect(live.kind).toBe("lost");
    live.polled(26_000, true);
    expect(live.kind).toBe("checking");
  });

  test("since when contact was lost stays", () => {
    const live = new Live(0);
    live.heard(5_000);
    run(live, 6_000, 20_000);
    live.polled(20_500, true);
    live.polled(30_500, false);
    live.polled(40_500, false);
    expect(live.kind).toBe("lost");
    expect(live.contactAt).toBe(20_500);
  });

  test("back to live when the stream is heard", () => {
    const live = new Live(0);
    run(live, 1_000, 20_000);
    live.polled(20_000, false);
    live.heard(21_000);
    expect(live.kind).toBe("live");
    expect(run(live, 22_000, 35_000).filter(([, action]) => action === "poll")).toEqual([]);
  });

  test("while it polls it asks for the stream again, every 30 seconds", () => {
    const live = new Live(0);
    const opens = run(live, 1_000, 120_000).filter(([, action]) => action === "open-stream");
    expect(opens.map(([now]) => now)).toEqual([45_000, 75_000, 105_000]);
  });

  test("a stream that ends is asked for again, less and less often", () => {
    const live = new Live(0);
    live.heard(0);
    const opens: number[] = [];
    live.streamEnded(0);
    for (let now = 1_000; now < 15_000; now += 1_000) {
      for (const action of live.tick(now)) {
        if (action !== "open-stream") continue;
        opens.push(now);
        live.streamEnded(now);
      }
    }
    expect(opens).toEqual([1_000, 3_000, 7_000]);
  });
});

describe("the stream's events", () => {
  const whole = 'id: 7\nevent: alert\ndata: {"a":1}\n\n: heartbeat\n\nid: 8\r\ndata: one\r\ndata: two\r\n\r\n';
  const expected = [
    { id: "7", type: "alert", data: '{"a":1}' },
    { id: "8", type: "message", data: "one\ntwo" },
  ];

  test("come whole wherever the pieces are cut", () => {
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const parser = new EventParser();
      const events = [...parser.push(whole.slice(0, cut)), ...parser.push(whole.slice(cut))];
      expect(events, `cut at ${cut}`).toEqual(expected);
    }
  });

  test("a heartbeat is none", () => {
    expect(new EventParser().push(": still here\n\n")).toEqual([]);
  });
});
