// What catches which bug:
//   a page stays on the day on which it was opened -> "the story goes on"
//   an answer that was overtaken turns it back     -> "never steps back"
//   what depends on the time is not read again     -> "a leap has the rest read again"
//   it is read again at every second that passes   -> "a leap has the rest read again"
//   a live hub has the time of its last event      -> "a live hub has the machine's time"
import { describe, expect, test, vi } from "vitest";
import { Desk } from "../src/hub/desk";
import { HubTime } from "../src/hub/hub_time";
import type { Session } from "../src/hub/session";
import { at } from "./story";

describe("the page's time", () => {
  test("the story goes on, and never steps back", async () => {
    const moved = vi.fn();
    const time = new HubTime("demo", moved);
    time.tell(at("2025-12-05 09:00"));
    await time.known;
    expect(time.now()).toEqual(at("2025-12-05 09:00"));
    time.tell(at("2025-12-06 09:00"));
    time.tell(at("2025-12-05 09:00"));
    time.tell(at("2025-12-06 09:00"));
    expect(time.now()).toEqual(at("2025-12-06 09:00"));
    expect(time.ago(20_000)).toEqual(at("2025-12-06 09:00"));
    expect(moved).toHaveBeenCalledTimes(2);
  });

  test("a live hub has the machine's time", async () => {
    const time = new HubTime("live", () => expect.unreachable());
    await time.known;
    time.tell(at("2025-12-05 09:00"));
    expect(Math.abs(time.now().getTime() - Date.now())).toBeLessThan(5_000);
    expect(time.now().getTime() - time.ago(20_000).getTime()).toBeGreaterThan(15_000);
  });

  test("a leap has the rest read again", () => {
    const session: Session = {
      account: "coordinator", displayName: "M. Carnbee", principal: "coordinator",
      agency: "mappa-tayside", agencyName: "Tayside MAPPA", role: "coordinator",
      purpose: "MAPPA_RISK_MANAGEMENT", environment: "demo", idleSeconds: 900,
      expiresAt: "2025-12-05T17:00:00Z", csrf: "c", recentUntil: null,
    };
    const setTimeout = vi.fn();
    vi.stubGlobal("window", { setTimeout, clearTimeout: vi.fn() });
    const desk = new Desk(session);
    const read = vi.spyOn(desk, "loadRest").mockReturnValue();
    desk.time.tell(at("2025-12-05 09:00"));
    desk.time.tell(new Date("2025-12-05T09:00:40Z"));
    expect(read).not.toHaveBeenCalled();
    desk.time.tell(at("2025-12-06 09:00"));
    expect(read).toHaveBeenCalledTimes(1);
    expect(desk.now()).toEqual(at("2025-12-06 09:00"));
    desk.time.tell(new Date("2025-12-06T09:00:30Z"));
    expect(read).toHaveBeenCalledTimes(1);
    // The list of alerts too.
    expect(setTimeout).toHaveBeenCalledTimes(1);
    vi.unstubAllGlobals();
  });
});
