// What catches which bug:
//   oldest first                                    -> "newest first"
//   what was taken back reads as if it held         -> "taken back and corrected"
//   a file of the next night is called late         -> "late is more than a day"
//   an id without its source names another's event  -> "an id is its source's"
//   a clock of the year after says when it was told -> "written down is before known"
import { describe, expect, test } from "vitest";
import { history, notShared } from "../src/person/history";
import type { EventView } from "../src/words/events";

let sequence = 0;
function event(fields: Partial<EventView>): EventView {
  sequence += 1;
  return {
    id: `e${sequence}`, source: "urn:concordat:police-scotland:rms",
    type: "concordat.police.v1.ConcernShared", time: "2025-11-20T21:15:00Z",
    acceptedtime: "2025-11-20T21:15:00Z", sequence, data: { concernType: "DOMESTIC" }, ...fields,
  };
}

describe("a person's history", () => {
  test("newest first, and of one moment the later told first", () => {
    const all = history([
      event({ id: "a", time: "2025-11-10T10:00:00Z", sequence: "9007199254740993" }),
      event({ id: "b", time: "2025-11-20T10:00:00Z" }),
      event({ id: "c", time: "2025-11-10T10:00:00Z", sequence: "9007199254740994" }),
    ]);
    expect(all.map((one) => one.key.split("#")[1])).toEqual(["b", "c", "a"]);
  });

  test("written down is before known, or not said", () => {
    const recorded = (recordedtime: string) => history([event({ recordedtime })])[0]!.recorded;
    expect(recorded("2025-11-20T21:10:00Z")).toEqual(new Date("2025-11-20T21:10:00Z"));
    expect(recorded("2026-11-26T18:31:00Z")).toBeUndefined();
  });

  test("taken back and corrected", () => {
    const all = history([
      event({ id: "wrong" }), event({ id: "off" }),
      event({ id: "back", retracts: "wrong" }), event({ id: "right", corrects: "off" }),
    ]);
    const of = (id: string) => all.find((one) => one.key.endsWith(`#${id}`))!;
    expect(of("wrong")).toMatchObject({ gone: true, marks: ["Taken back since"] });
    expect(of("off")).toMatchObject({ gone: true, marks: ["Corrected since"] });
    expect(of("back")).toMatchObject({ gone: false, marks: ["Takes back what was told before"] });
    expect(of("right")).toMatchObject({ gone: false, marks: ["Correction"] });
  });

  test("an id is its source's", () => {
    const all = history([
      event({ id: "x" }),
      event({ id: "y", source: "urn:concordat:nhs-tayside:pas", retracts: "x" }),
      event({ id: "z", source: "urn:concordat:nhs-tayside:pas", retracts: "urn:concordat:police-scotland:rms#x" }),
    ]);
    expect(all.find((one) => one.key.endsWith("#x"))!.gone).toBe(true);
    expect(history([
      event({ id: "x" }), event({ id: "y", source: "urn:concordat:nhs-tayside:pas", retracts: "x" }),
    ]).find((one) => one.key.endsWith("#x"))!.gone).toBe(false);
  });

  test("late is more than a day", () => {
    const marks = (acceptedtime: string) =>
      history([event({ time: "2025-11-25T10:00:00Z", acceptedtime })])[0]!.marks;
    expect(marks("2025-11-26T02:00:00Z")).toEqual([]);
    expect(marks("2025-11-27T02:00:00Z")).toEqual(["Known late"]);
  });

  test("who says so, and how they know", () => {
    const [one] = history([event({ basis: "reported-by-partner", timeprecision: "day" })]);
    expect(one).toMatchObject({ who: "Police Scotland", dayOnly: true, marks: ["Reported by a partner"] });
  });

  test("what is not shared is said once", () => {
    expect(notShared([
      event({ withheld: ["health details"] }), event({ withheld: ["a child", "health details"] }), event({}),
    ])).toEqual(["a child", "health details"]);
  });
});
