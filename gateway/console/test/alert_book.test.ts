// What catches which bug:
//   MEDIUM above CRITICAL                      -> "act now is in order of harm"
//   new items jump into the page               -> "what is new waits"
//   a critical one waits as well               -> "only critical goes to the top by itself"
//   an accepted one is pulled from under hands -> "what changed stays in its place"
//   an old answer overwrites a newer one       -> "an older answer changes nothing"
//   passed on, and nobody is told             -> "what was passed on to the reader"
//   a copy that was taken on stays a copy      -> "a copy that the reader took on"
//   closing before accepting                   -> "accepting, also what another role"
//   what is overdue stays among the accepted   -> "accepted and not done in time is back"
import { describe, expect, test } from "vitest";
import { create } from "@bufbuild/protobuf";
import { AlertSchema, PassingSchema, type Alert } from "../gen/concordat/alerts/v1/service_pb";
import { actsOn } from "../src/today/acts";
import { AlertBook, closedSince, sectionOf, waitingWords } from "../src/today/alert_book";
import { alert, at, coordinatorAlerts, encoreAlert, us } from "./story";

function refs(alerts: Alert[]): string[] {
  return alerts.map((one) => one.alertRef);
}

function changed(before: Alert, fields: object): Alert {
  return create(AlertSchema, { ...before, position: before.position + 1_000n, ...fields });
}

function story(): AlertBook {
  const book = new AlertBook();
  book.list(coordinatorAlerts());
  book.arrange();
  return book;
}

describe("the alerts of a page", () => {
  test("stand as users.md 9.1 has them", () => {
    const book = story();
    expect(refs(book.in("act"))).toEqual(["A-7"]);
    expect(refs(book.in("accepted"))).toEqual(["A-1", "A-3", "A-2"]);
    expect(refs(closedSince(book.in("closed"), at("2025-12-04 17:04")))).toEqual(["A-5"]);
    expect(book.waiting()).toEqual({ fresh: 0, moved: 0 });
  });

  test("act now is in order of harm, then of time", () => {
    const book = new AlertBook();
    book.list([
      alert({ alertRef: "m", severity: "MEDIUM", state: "raised", acceptBy: us("2025-12-05 09:01") }),
      alert({ alertRef: "h2", severity: "HIGH", state: "raised", acceptBy: us("2025-12-05 12:00") }),
      alert({ alertRef: "h0", severity: "HIGH", state: "raised" }),
      alert({ alertRef: "h1", severity: "HIGH", state: "shown", acceptBy: us("2025-12-05 08:00") }),
      alert({ alertRef: "c", severity: "CRITICAL", state: "raised", acceptBy: us("2025-12-06 09:00") }),
    ]);
    book.arrange();
    expect(refs(book.in("act"))).toEqual(["c", "h1", "h2", "h0", "m"]);
  });

  test("what is new waits until it is asked for", () => {
    const book = story();
    expect(book.change(encoreAlert())).toBe(false);
    expect(book.in("information")).toEqual([]);
    expect(waitingWords(book.waiting())).toBe("1 new");
    book.arrange();
    expect(refs(book.in("information"))).toEqual(["A-8"]);
    expect(waitingWords(book.waiting())).toBe("");
  });

  test("only critical goes to the top by itself", () => {
    const book = story();
    const critical = alert({ alertRef: "A-9", severity: "CRITICAL", state: "raised" });
    expect(book.change(critical)).toBe(true);
    expect(refs(book.in("act"))).toEqual(["A-9", "A-7"]);
    // Its being shown moves nothing.
    expect(book.change(changed(critical, { state: "shown" }))).toBe(false);
    expect(book.waiting()).toEqual({ fresh: 0, moved: 0 });
  });

  test("a critical copy does not: somebody else acts", () => {
    const book = story();
    expect(book.change(alert({ alertRef: "A-9", severity: "CRITICAL", state: "raised", copy: true }))).toBe(false);
    expect(refs(book.in("act"))).toEqual(["A-7"]);
  });

  test("what changed stays in its place with its new content", () => {
    const book = story();
    const before = book.alert("A-7")!;
    book.change(changed(before, { state: "accepted" }));
    expect(refs(book.in("act"))).toEqual(["A-7"]);
    expect(book.in("act")[0]!.state).toBe("accepted");
    expect(waitingWords(book.waiting())).toBe("1 changed");
    book.arrange();
    expect(book.in("act")).toEqual([]);
  });

  test("an older answer changes nothing", () => {
    const book = story();
    const before = book.alert("A-7")!;
    book.change(changed(before, { state: "closed" }));
    book.change(before);
    expect(book.alert("A-7")!.state).toBe("closed");
  });

  test("accepted and not done in time is back where somebody has to act", () => {
    const late = alert({ alertRef: "l", state: "accepted", overdue: true });
    expect(sectionOf(late)).toBe("act");
    expect(sectionOf(changed(late, { copy: true }))).toBe("accepted");
  });

  test("a withdrawal is to be accepted once", () => {
    const gone = alert({ alertRef: "w", state: "withdrawn", withdrawalToAccept: true });
    expect(sectionOf(gone)).toBe("withdrawn");
    expect(sectionOf(changed(gone, { withdrawalToAccept: false }))).toBe("none");
  });

  test("what was passed on to the reader is theirs to act on, though others accepted it", () => {
    const passed = alert({
      alertRef: "p", severity: "HIGH", state: "accepted", acceptances: [{ by: "police" }],
      passedOn: [{ to: "dundee-city-council/senior", toYou: true }],
    });
    expect(sectionOf(passed)).toBe("act");
    expect(sectionOf(changed(passed, { acceptedByYou: true }))).toBe("accepted");
    const others = changed(passed, { passedOn: [create(PassingSchema, { to: "nhs-tayside/nhs-liaison" })] });
    expect(sectionOf(others)).toBe("accepted");
  });

  test("a copy that the reader took on is theirs, also when nobody else accepted", () => {
    const copy = alert({ alertRef: "k", severity: "HIGH", state: "shown", copy: true });
    expect(sectionOf(copy)).toBe("information");
    expect(sectionOf(changed(copy, { acceptedByYou: true }))).toBe("accepted");
    const late = changed(copy, { state: "accepted", overdue: true });
    expect(sectionOf(late)).toBe("accepted");
    expect(sectionOf(changed(late, { acceptedByYou: true }))).toBe("act");
  });
});

describe("what is to be done next stands first", () => {
  const passed = alert({
    alertRef: "n", severity: "HIGH", state: "accepted", passedOn: [{ toYou: true }], mayPassTo: ["x/y"],
    acceptances: [{ by: "duty-senior", doer: { yours: true } }],
  });
  test("accepting, also what another role of the agency accepted", () => {
    expect(actsOn(passed)).toEqual(["accept", "close", "pass", "dispute"]);
  });
  test("then closing", () => {
    expect(actsOn(changed(passed, { acceptedByYou: true }))).toEqual(["close", "pass", "dispute"]);
  });
});
