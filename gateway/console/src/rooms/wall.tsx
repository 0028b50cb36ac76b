// For a screen that a room looks at: counts, no names. The operator's has the sources
// alone: alerts are not for them.
import { isOperator } from "../hub/desk";
import { useDesk } from "../parts/use_desk";
import { plural } from "../parts/basics";
import { closedSince, isNotAccepted, sectionOf } from "../today/alert_book";
import { clock } from "../words/dates";
import { sendingWords, silentWords } from "../today/sources";

export function Wall() {
  const desk = useDesk();
  const now = desk.now();
  const { book } = desk;
  // As Today has them, but for what waits there until its reader asks.
  const open = book.all().filter((alert) => sectionOf(alert) === "act");
  const critical = open.filter((alert) => alert.severity === "CRITICAL").length;
  const late = open.filter((alert) => isNotAccepted(alert, now)).length;
  const overdue = open.filter((alert) => alert.overdue).length;
  const accepted = book.all().filter((alert) => sectionOf(alert) === "accepted");
  const silent = desk.feeds.filter((feed) => feed.silentSince !== 0n);
  const boxes: [number, string, boolean][] = isOperator(desk.session) ? [] : [
    [open.length, `to act on${critical ? `, ${critical} of them critical` : ""}`, critical > 0],
    [late, "not accepted in time", late > 0],
    [overdue, "not done in time", overdue > 0],
    [accepted.length, "accepted, not finished", false],
    [closedSince(book.all(), new Date(now.getTime() - 86_400_000)).length, "closed in the last day", false],
  ];
  boxes.push([silent.length, plural(silent.length, "source silent", "sources silent"), silent.length > 0]);
  if (isOperator(desk.session)) {
    const rejected = desk.feeds.reduce((sum, feed) => sum + feed.rejected, 0);
    const sending = desk.feeds.length - silent.length;
    boxes.push([sending, plural(sending, "source sending", "sources sending"), false]);
    boxes.push([rejected, plural(rejected, "record to be mended at its source", "records to be mended at their source"), false]);
  }
  return (
    <>
      <h1>
        {desk.session.agencyName} at {clock(now)}
      </h1>
      <div class="cc-wall">
        {boxes.map(([number, words, bad]) => (
          <div key={words} class={bad ? "cc-wall--bad" : ""}>
            <p class="cc-wall__number">{number}</p>
            <p>{words}</p>
          </div>
        ))}
      </div>
      <p class="cc-wall__foot">{silent.length ? silent.map((feed) => silentWords(feed, now)).join(" ") : sendingWords(desk.feeds, now)}</p>
    </>
  );
}
