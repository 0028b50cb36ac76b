// The narrow column: who is on duty, who stands in, and how good the data are.
import type { RoleStanding } from "../../gen/concordat/identity/v1/service_pb";
import type { Desk } from "../hub/desk";
import { count, list } from "../parts/basics";
import { moment, when } from "../words/dates";
import { agency, role, roleTitle } from "../words/names";

interface Holder {
  name: string;
  telephone: string;
  roles: string[];
}

interface OnDuty {
  agency: string;
  holders: Holder[];
}

// Who is told now of what goes to a role, by agency; one person is named once, with all
// the roles.
function onDutyNow(roles: RoleStanding[], own: string): OnDuty[] {
  const agencies = new Map<string, Holder[]>();
  for (const one of roles) {
    if (one.role !== one.onDuty || !one.holder) continue;
    const { name, telephone } = one.holder;
    const holders = agencies.get(one.agency) ?? [];
    const known = holders.find((each) => each.name === name && each.telephone === telephone);
    if (known) known.roles.push(role(one.role));
    else holders.push({ name, telephone, roles: [role(one.role)] });
    agencies.set(one.agency, holders);
  }
  return [...agencies]
    .map(([name, holders]) => ({ agency: name, holders }))
    .sort((a, b) =>
      Number(b.agency === own) - Number(a.agency === own) || a.agency.localeCompare(b.agency));
}

// Who stands in for the roles of one's own agency, a line for each that does: "Duty
// senior, out of hours, for lead officer and service manager".
function deputies(roles: RoleStanding[], now: Date): string[] {
  const usual = new Map<string, string[]>();
  const lines: string[] = [];
  for (const one of roles) {
    usual.set(one.cover, [...(usual.get(one.cover) ?? []), role(one.role)]);
    const away = one.absences.find((absence) => {
      const until = moment(absence.until);
      return until && until > now;
    });
    if (!away) continue;
    const from = when(moment(away.from)!, now);
    const until = when(moment(away.until)!, now);
    lines.push(`${roleTitle(away.standIn || one.cover)}, from ${from} to ${until}, for ${role(one.role)}`);
  }
  for (const [cover, of] of usual) {
    lines.push(`${roleTitle(cover)}, out of hours, for ${list(of)}`);
  }
  return lines;
}

export function Side({ desk }: { desk: Desk }) {
  const now = desk.now();
  const onDuty = onDutyNow(desk.roles, desk.session.agency);
  const own = deputies(
    desk.roles.filter((one) => one.agency === desk.session.agency && one.cover && one.holder), now);
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
                {one.holders.map(({ name, telephone, roles }) => (
                  <li key={`${name}${telephone}`}>
                    <span class="cc-whole">
                      {name}
                      {telephone && ","}
                    </span>{" "}
                    <span class="cc-whole">{telephone}</span>
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
            {own.map((words) => (
              <li key={words}>{words}</li>
            ))}
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
