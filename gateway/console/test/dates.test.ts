// What catches which bug:
//   the machine's own zone is used          -> "clocks are those of London"
//   a month or weekday in another order     -> "a day in full"
//   "today" by 24 hours instead of by day   -> "days are calendar days"
//   overdue one minute too early            -> "due at a moment"
import { describe, expect, test } from "vitest";
import * as dates from "../src/words/dates";
import { at, now, us } from "./story";

describe("dates", () => {
  test("a day in full", () => {
    expect(dates.fullDate(now)).toBe("Friday 5 December 2025");
    expect(dates.birthDate("1979-03-03")).toBe("3 March 1979");
    expect(dates.birthDate("unknown")).toBe("unknown");
  });

  test("clocks are those of London, in summer too", () => {
    expect(dates.clock(new Date("2026-07-01T08:40:00Z"))).toBe("09:40");
    expect(dates.clockWithSeconds(new Date("2025-12-05T09:00:04Z"))).toBe("09:00:04");
    expect(dates.clock(new Date("2025-12-05T00:00:00Z"))).toBe("00:00");
    // Half past midnight in London is still the evening before in UTC.
    expect(dates.isoDay(new Date("2026-06-30T23:30:00Z"))).toBe("2026-07-01");
  });

  test("days are calendar days", () => {
    expect(dates.when(at("2025-12-05 08:40"), now)).toBe("today 08:40");
    expect(dates.when(at("2025-12-04 23:59"), now)).toBe("yesterday 23:59");
    expect(dates.when(at("2025-12-06 00:01"), now)).toBe("tomorrow 00:01");
    expect(dates.when(at("2025-12-03 02:00"), now)).toBe("Wednesday 3 December 02:00");
    expect(dates.when(at("2025-11-21 23:58"), now)).toBe("21 November 23:58");
    expect(dates.when(at("2024-11-21 23:58"), now)).toBe("21 November 2024 23:58");
    expect(dates.clockOrWhen(at("2025-12-05 11:00"), now)).toBe("11:00");
  });

  test("due at a moment", () => {
    expect(dates.due(at("2025-12-05 11:00"), now)).toEqual({ words: "by 11:00", overdue: false });
    expect(dates.due(now, now).overdue).toBe(false);
    expect(dates.due(at("2025-12-09 00:00"), now).words).toBe("by the end of Monday 8 December");
    expect(dates.due(at("2025-12-05 00:00"), now).words).toBe("overdue since the end of yesterday");
    expect(dates.due(at("2025-12-05 08:59"), now)).toEqual({
      words: "overdue since 08:59", overdue: true });
    expect(dates.due(at("2025-12-03 17:00"), now).words).toBe(
      "overdue since Wednesday 3 December 17:00");
  });

  test("due on a day", () => {
    const left = (iso: string) => dates.daysLeft(dates.dayOf(iso)!, now);
    expect(left("2025-12-12").words).toBe("7 days left");
    expect(left("2025-12-06").words).toBe("1 day left");
    expect(left("2025-12-05")).toEqual({ words: "due today", overdue: false });
    expect(left("2025-12-03")).toEqual({
      words: "overdue since Wednesday 3 December", overdue: true });
  });

  test("what is written at a desk in London", () => {
    expect(dates.fromLondon("2026-07-01", "09:40")).toEqual(new Date("2026-07-01T08:40:00Z"));
    expect(dates.fromLondon("2025-12-05", "09:00")).toEqual(now);
    // Half past one comes twice that night, and not at all in March.
    expect(dates.fromLondon("2025-10-26", "01:30")).toEqual(new Date("2025-10-26T00:30:00Z"));
    expect(dates.fromLondon("2026-03-29", "01:30")).toBeUndefined();
    expect(dates.fromLondon("2025-12-05", "9")).toBeUndefined();
  });

  test("microseconds", () => {
    expect(dates.moment(0n)).toBeUndefined();
    expect(dates.moment(us("2025-12-05 09:00"))).toEqual(now);
  });
});
