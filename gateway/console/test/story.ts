// The co-ordinator's alerts of the story as they stand on Friday 5 December 2025 at
// 09:00, typed, for tests without a hub.
import { create } from "@bufbuild/protobuf";
import {
  AlertSchema, FeedReportSchema, type Alert,
} from "../gen/concordat/alerts/v1/service_pb";
import { micros } from "../src/words/dates";

// All of the story is in winter, when London has the clocks of UTC.
export function at(local: string): Date {
  return new Date(`${local.replace(" ", "T")}:00Z`);
}

export function us(local: string): bigint {
  return micros(at(local));
}

export const now = at("2025-12-05 09:00");

export const p1 = "p-aaaaaaaaaaaaaaaaaaaaaaaaaa";
export const p2 = "p-bbbbbbbbbbbbbbbbbbbbbbbbbb";
export const p3 = "p-cccccccccccccccccccccccccc";
export const p4 = "p-dddddddddddddddddddddddddd";

const duty = { agency: "dundee-city-council", agencyName: "Dundee City Council", by: "duty-senior", byName: "Duty senior social worker" };
const you = { agency: "mappa-tayside", agencyName: "Tayside MAPPA", by: "coordinator", byName: "M. Carnbee", yours: true };

let position = 100n;
export function alert(fields: Partial<Record<keyof Alert, unknown>>): Alert {
  position += 1n;
  return create(AlertSchema, { position, ...fields } as never);
}

export function coordinatorAlerts(): Alert[] {
  return [
    alert({
      alertRef: "A-1", rule: "R07", severity: "HIGH", state: "accepted", subject: p1,
      headline: "Three concerns from two agencies in 9 days.",
      raisedAt: us("2025-11-20 21:15"), acceptBy: us("2025-11-20 22:15"),
      acceptances: [
        { agency: "mappa-tayside", by: "coordinator", doer: you, at: us("2025-11-21 08:50"),
          action: "child protection told; meeting by 12 December", actBy: "2025-12-12",
          limit: us("2025-12-13 00:00") },
      ],
      actBy: us("2025-12-13 00:00"), acceptedByYou: true,
    }),
    alert({
      alertRef: "A-2", rule: "R07", severity: "HIGH", state: "accepted", subject: p3,
      headline: "Three incidents from two agencies in 7 days.",
      raisedAt: us("2025-11-21 23:35"), actBy: us("2025-12-08 17:00"),
      acceptances: [{ agency: "dundee-city-council", by: "duty-senior", doer: duty, at: us("2025-11-21 23:58"), limit: us("2025-12-08 17:00") }],
    }),
    alert({
      alertRef: "A-3", rule: "R01", severity: "CRITICAL", state: "accepted", subject: p3,
      headline: "Charged with violence, held for court. Outcome not known.",
      raisedAt: us("2025-11-22 02:05"), actBy: us("2025-12-08 17:00"),
      acceptances: [{ agency: "dundee-city-council", by: "duty-senior", doer: duty, at: us("2025-11-22 02:17"), limit: us("2025-12-08 17:00") }],
    }),
    alert({
      alertRef: "A-4", rule: "R13", severity: "CRITICAL", state: "closed", subject: p4,
      raisedAt: us("2025-11-24 17:25"), closedAt: us("2025-11-24 19:45"), outcome: "returned",
    }),
    alert({
      alertRef: "A-5", rule: "R17", severity: "MEDIUM", state: "closed", subject: p2, copy: true,
      raisedAt: us("2025-11-27 11:20"), closedAt: us("2025-12-05 08:45"), outcome: "breach report sent",
    }),
    alert({
      alertRef: "A-7", rule: "R01", severity: "HIGH", state: "shown", subject: p2, owner: true,
      headline: "Social work have sent a breach report to the Parole Board: failed to report.",
      raisedAt: us("2025-12-05 08:40"), happenedAt: us("2025-12-05 08:40"),
      knownAt: us("2025-12-05 08:40"), acceptBy: us("2025-12-05 11:00"),
      mayPassTo: ["mappa-tayside/on-call-co-ordinator"],
    }),
  ];
}

// Raised by the encore: A-5 is closed, so what is missed anew is a new alert.
export function encoreAlert(): Alert {
  return alert({
    alertRef: "A-8", rule: "R17", severity: "MEDIUM", state: "raised", subject: p2, copy: true,
    headline: "Missed supervision and not engaging with an agreed service.",
    raisedAt: us("2025-12-05 09:05"), acceptBy: us("2025-12-08 17:00"),
  });
}

export function feeds() {
  return [
    create(FeedReportSchema, {
      name: "dundee-case-files", title: "Dundee case files", expected: "every day at 02:00, here by 06:00",
      completeTo: us("2025-12-05 02:00"),
    }),
    create(FeedReportSchema, {
      name: "nhs-tayside-hl7", title: "NHS Tayside hospital messages",
      expected: "at least every 14 days", completeTo: us("2025-12-05 08:00"),
    }),
  ];
}
