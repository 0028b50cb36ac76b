// What may be done with an alert, and what it is called.
import type { Alert } from "../../gen/concordat/alerts/v1/service_pb";

export type Act = "accept" | "pass" | "dispute" | "close" | "withdrawal";

export const actWords: Record<Act, string> = {
  accept: "Accept",
  pass: "Pass on",
  dispute: "This is wrong",
  close: "Close",
  withdrawal: "I know it does not hold",
};

// The first is what is to be done next.
export function actsOn(alert: Alert): Act[] {
  if (alert.state === "withdrawn") return alert.withdrawalToAccept ? ["withdrawal"] : [];
  if (alert.state === "closed" || alert.state === "restricted") return [];
  const acts: Act[] = [];
  // For whatever role of the agency.
  const ours = alert.acceptances.some((one) => one.doer?.yours);
  if (!alert.acceptedByYou) acts.push("accept");
  if (ours || (alert.owner && alert.state === "accepted")) acts.push("close");
  if (alert.mayPassTo.length > 0) acts.push("pass");
  if (!alert.disputes.some((one) => one.doer?.yours)) acts.push("dispute");
  return acts;
}
