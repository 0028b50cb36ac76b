// A person's events as the reader may see them.
import type { EventView } from "../words/events";
import { send } from "./http";

const kPage = 200;
// More than any page shows; a longer story is read on from there.
const kEventsMax = 5_000;

export interface PersonEvents {
  events: EventView[];
  // There are more than were read.
  more: boolean;
  // Controllers that have restricted what they told: it is kept and shown to nobody
  // else for now.
  restricted: string[];
}

export async function personEvents(
  subject: string,
  purpose?: string,
  unasked = false,
): Promise<PersonEvents> {
  const events: EventView[] = [];
  const restricted = new Set<string>();
  let after = "0";
  for (;;) {
    const query = new URLSearchParams({ subject, after, limit: String(kPage) });
    const response = await send("GET", `/events?${query}`, undefined, {
      Accept: "application/cloudevents-batch+json",
      ...(purpose ? { "Concordat-Purpose": purpose } : {}),
      ...(unasked ? { "Concordat-Background": "true" } : {}),
    });
    events.push(...((await response.json()) as EventView[]));
    for (const one of (response.headers.get("Concordat-Restricted") ?? "").split(",")) {
      if (one) restricted.add(one);
    }
    const more = response.headers.get("Concordat-More") === "true";
    const position = response.headers.get("Concordat-Position") ?? "";
    const all = events.length >= kEventsMax;
    if (!more || !position || position === after || all) {
      return { events, more: more && all, restricted: [...restricted] };
    }
    after = position;
  }
}
