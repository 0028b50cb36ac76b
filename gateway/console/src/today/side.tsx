// The narrow column: who is on duty, who stands in, and how good the data are.
import type { RoleStanding } from "../../gen/concordat/identity/v1/service_pb";
import type { Desk } from "../hub/desk";
import { count } from "../parts/basics";
import { moment, when } from "../words/dates";
import { agency, role, roleTitle } from "../words/names";

function holderWords(standing: RoleStanding): string {
  const holder = standing.holder;
  return [holder?.name, holder?.telephone].filter(Boolean).join(", ");
}

export function Side({ desk }: { desk: Desk }) {
  const now = desk.now();
  // Who is told now of what goes to a role: the role itself, or its cover.
  const onDuty = desk.roles.filter(
    (one) => one.role === one.onDuty && (one.always || one.calendar) && one.holder);
  const own = desk.roles.filter(
    (one) => one.agency === desk.session.agency && one.cover && one.holder);
  const doubted = [...desk.people.values()].filter((person) => person.inDoubt).length;
  return (
    <aside class="cc-side" aria-label="On duty, deputies and data health">
      {onDuty.length > 0 && (
        <section>
          <h2>On duty now</h2>
          <ul>
            {onDuty.map((one) => (
              <li key={`${one.agency}/${one.role}`}>
                <strong>{roleTitle(one.role)}</strong>
                <br />
                <span class="cc-small">{agency(one.agency)}</span>
                <br />
                {holderWords(one)}
              </li>
            ))}
          </ul>
        </section>
      )}
      {own.length > 0 && (
        <section>
          <h2>Your deputies</h2>
          <ul>
            {own.map((one) => {
              const away = one.absences.find((absence) => {
                const until = moment(absence.until);
                return until && until > now;
              });
              return (
                <li key={one.role}>
                  <strong>{roleTitle(one.role)}</strong>: {role(away?.standIn || one.cover)} stands in
                  out of hours
                  {away && ` and from ${when(moment(away.from)!, now)} to ${when(moment(away.until)!, now)}`}
                </li>
              );
            })}
          </ul>
        </section>
      )}
      {desk.feeds.length > 0 && (
        <section>
          <h2>Data health</h2>
          <ul>
            {desk.feeds.map((feed) => {
              const at = moment(feed.completeTo);
              return (
                <li key={feed.name}>
                  <strong>{feed.title}</strong>
                  <br />
                  {feed.silentSince !== 0n ? (
                    <span class="cc-overdue">Silent since {when(moment(feed.silentSince)!, now)}</span>
                  ) : at ? (
                    `Complete to ${when(at, now)}`
                  ) : (
                    "Has not come yet"
                  )}
                  {feed.rejected > 0 && (
                    <>
                      <br />
                      {count(feed.rejected, "record")} to be mended at its source
                    </>
                  )}
                </li>
              );
            })}
            {doubted > 0 && <li>Identity in doubt: {count(doubted, "person", "people")}</li>}
          </ul>
        </section>
      )}
    </aside>
  );
}
