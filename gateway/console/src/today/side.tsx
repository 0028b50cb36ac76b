// The narrow column: who is on duty, who stands in, and how good the data are.
import type { RoleStanding } from "../../gen/concordat/identity/v1/service_pb";
import type { Desk } from "../hub/desk";
import { count } from "../parts/basics";
import { moment, when } from "../words/dates";
import { agency, role, roleTitle } from "../words/names";

interface OnDuty {
  agency: string;
  holders: { who: string; roles: string[] }[];
}

// Who is told now of what goes to a role, by agency; one person is named once, with all
// the roles.
function onDutyNow(roles: RoleStanding[], own: string): OnDuty[] {
  const agencies = new Map<string, Map<string, string[]>>();
  for (const one of roles) {
    if (one.role !== one.onDuty || !one.holder) continue;
    const who = [one.holder.name, one.holder.telephone].filter(Boolean).join(", ");
    const holders = agencies.get(one.agency) ?? new Map<string, string[]>();
    holders.set(who, [...(holders.get(who) ?? []), role(one.role)]);
    agencies.set(one.agency, holders);
  }
  return [...agencies]
    .map(([name, holders]) => ({
      agency: name, holders: [...holders].map(([who, held]) => ({ who, roles: held })),
    }))
    .sort((a, b) =>
      Number(b.agency === own) - Number(a.agency === own) || a.agency.localeCompare(b.agency));
}

export function Side({ desk }: { desk: Desk }) {
  const now = desk.now();
  const onDuty = onDutyNow(desk.roles, desk.session.agency);
  const own = desk.roles.filter(
    (one) => one.agency === desk.session.agency && one.cover && one.holder);
  const doubted = [...desk.people.values()].filter((person) => person.inDoubt).length;
  return (
    <aside class="cc-side" aria-label="On duty, deputies and data health">
      {onDuty.length > 0 && (
        <section>
          <h2>On duty now</h2>
          {onDuty.map((one) => (
            <div key={one.agency}>
              <h3>{agency(one.agency)}</h3>
              <ul>
                {one.holders.map(({ who, roles }) => (
                  <li key={who}>
                    {who}
                    <br />
                    <span class="cc-small">{roles.join(", ")}</span>
                  </li>
                ))}
              </ul>
            </div>
          ))}
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
