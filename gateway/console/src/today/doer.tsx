// Who did something, as people write it. The reader is "You" on a screen, and on paper
// named as everybody else: it is read by others.
import type { Doer } from "../../gen/concordat/alerts/v1/service_pb";
import type { Session } from "../hub/session";

function isReader(doer: Doer, session: Session): boolean {
  return doer.by === session.principal && (!doer.staff || doer.staff === session.account);
}

// `within` a sentence, not at its head.
export function DoerName(props: { doer: Doer | undefined; session: Session; within?: boolean }) {
  const { doer, session, within } = props;
  if (!doer) return <>{within ? "somebody" : "Somebody"}</>;
  if (isReader(doer, session)) {
    return (
      <>
        <span class="cc-screen">{within ? "you" : "You"}</span>
        <span class="cc-paper">{session.displayName}</span>
      </>
    );
  }
  const who = doer.byName || doer.by;
  return <>{doer.agencyName && !who.includes(doer.agencyName) ? `${who}, ${doer.agencyName}` : who}</>;
}
