// For a screen that a room looks at: counts, no names. The operator's has the sources
// alone: alerts are not for them.
import { isOperator } from "../hub/desk";
import { useDesk } from "../parts/use_desk";
import { closedSince } from "../today/alert_book";
import { clock, moment } from "../words/dates";
import { sendingWords, silentWords } from "../today/sources";

export function Wall() {
  const desk = useDesk();
  const now = desk.now();
  const { book } = desk;
  const open = book.all().filter((alert) => ["raised", "shown"].includes(alert.state) && !alert.copy);
  const critical = open.filter((alert) => alert.severity === "CRITICAL").length;
  const late = open.filter((alert) => {
    const limit = moment(alert.acceptBy);
    return limit !== undefined && limit < now;
  }).length;
  const accepted = book.all().filter((alert) => alert.state === "accepted");
  const overdue = accepted.filter((alert) => alert.overdue).length;
  const silent = desk.feeds.filter((feed) => feed.silentSince !== 0n);
  const boxes: [number, string, boolean][] = isOperator(desk.session) ? [] : [
    [open.length, `to act on${critical ? `, ${critical} of them critical` : ""}`, critical > 0],
    [late, "not accepted in time", late > 0],
    [accepted.length, `accepted, not finished${overdue ? `, ${overdue} overdue` : ""}`, overdue > 0],
    [closedSince(book.all(), new Date(now.getTime() - 86_400_000)).length, "closed in the last day", false],
  ];
  boxes.push([silent.length, "sources silent", silent.length > 0]);
  if (isOperator(desk.session)) {
    const rejected = desk.feeds.reduce((sum, feed) => sum + feed.rejected, 0);
    boxes.push([desk.feeds.length - silent.length, "sources sending", false]);
    boxes.push([rejected, "records to be mended at their source", false]);
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
