// Keeps the page's alerts up to date: the stream, and the list when it is mute.
// One of these lives as long as somebody is signed in.
import { fromJsonString } from "@bufbuild/protobuf";
import {
  AlertSchema, ListAlertsResponseSchema, type Alert, type ListAlertsResponse,
} from "../../gen/concordat/alerts/v1/service_pb";
import { moment } from "../words/dates";
import { EventParser } from "./event_stream";
import { tellSignedOut } from "./http";
import type { HubTime } from "./hub_time";
import { kPollMs, Live, type LiveKind } from "./live";
import { alerts, background } from "./services";

export interface FeedState {
  kind: LiveKind;
  // When the hub was last heard.
  checkedAt: Date | undefined;
  // Alerts after this may be missing; undefined: none is.
  upTo: Date | undefined;
}

export interface FeedListener {
  changed(state: FeedState): void;
  listed(list: ListAlertsResponse): void;
  came(alert: Alert): void;
  // The list could not be had.
  failed(error: unknown): void;
}

export class AlertFeed {
  #listener: FeedListener;
  #live = new Live(performance.now());
  #timer = 0;
  #stream: AbortController | undefined;
  #lastId = "";
  #time: HubTime;
  // How far the hub said that alerts are judged, and that there is more.
  #behind: Date | undefined;
  #told = "";
  #refresh = 0;
  #asking = false;
  // When the list was had last, and whether the newest attempt was in vain.
  #listedAt: Date | undefined;
  #listFailed = false;
  #listAt = 0;

  // `time` is told whatever the hub says of it.
  constructor(listener: FeedListener, time: HubTime) {
    this.#listener = listener;
    this.#time = time;
  }

  async start(): Promise<void> {
    await this.#list();
    this.#open();
    this.#timer = window.setInterval(() => this.#tick(), 1_000);
    document.addEventListener("visibilitychange", this.#visible);
  }

  stop(): void {
    window.clearInterval(this.#timer);
    window.clearTimeout(this.#refresh);
    document.removeEventListener("visibilitychange", this.#visible);
    this.#stream?.abort();
  }

  // Asks for the list soon: after an act, or when something came.
  refreshSoon(): void {
    window.clearTimeout(this.#refresh);
    this.#refresh = window.setTimeout(() => void this.#list(), 300);
  }

  // A browser gives a site few connections. A page that nobody looks at does not keep
  // one for itself: it asks now and then.
  #visible = () => {
    if (document.visibilityState === "visible") {
      this.#open();
      void this.#list();
    } else {
      this.#stream?.abort();
    }
  };

  async #list(): Promise<boolean> {
    if (this.#asking) return false;
    this.#asking = true;
    this.#listAt = performance.now();
    try {
      const list = await alerts.listAlerts({}, background);
      const asked = this.#newestId(list);
      if (!this.#lastId) this.#lastId = asked;
      this.#judged(list);
      this.#listedAt = this.#time.now();
      this.#listFailed = false;
      this.#listener.listed(list);
      return true;
    } catch (error) {
      this.#listFailed = true;
      this.#listener.failed(error);
      return false;
    } finally {
      this.#asking = false;
      this.#tell();
    }
  }

  #judged({ time, upToDate }: ListAlertsResponse): void {
    const to = moment(time);
    if (to) this.#time.tell(to);
    this.#behind = upToDate ? undefined : to;
  }

  #newestId(list: ListAlertsResponse): string {
    let newest = 0n;
    for (const alert of list.alerts) if (alert.position > newest) newest = alert.position;
    return newest ? newest.toString() : "";
  }

  #tick(): void {
    const hidden = document.visibilityState !== "visible";
    // A stream alone does not tell what was there before.
    const missed = this.#listFailed || !this.#listedAt;
    if (missed && performance.now() - this.#listAt >= kPollMs) void this.#list();
    for (const action of this.#live.tick(performance.now())) {
      if (action === "poll") {
        void this.#list().then((answered) => {
          this.#live.polled(performance.now(), answered);
          this.#tell();
        });
      } else if (!hidden) {
        this.#open();
      }
    }
    this.#tell();
  }

  #open(): void {
    this.#stream?.abort();
    const stream = new AbortController();
    this.#stream = stream;
    void this.#read(stream.signal).then(() => {
      // One that was given up for another is not missed.
      if (this.#stream === stream) this.#live.streamEnded(performance.now());
    });
  }

  async #read(signal: AbortSignal): Promise<void> {
    try {
      const response = await fetch("/alerts/stream", {
        credentials: "same-origin",
        cache: "no-store",
        signal,
        headers: {
          Accept: "text/event-stream",
          ...(this.#lastId ? { "Last-Event-ID": this.#lastId } : {}),
        },
      });
      if (response.status === 401) tellSignedOut();
      if (!response.ok || !response.body) return;
      const parser = new EventParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        for (const event of parser.push(value)) {
          // What else comes may be the gateway's alone, or a proxy's.
          if (event.type === "time" || event.type === "alert") this.#live.heard(performance.now());
          if (event.type === "time") {
            this.#judged(
              fromJsonString(ListAlertsResponseSchema, event.data, { ignoreUnknownFields: true }));
          }
          if (event.type !== "alert") continue;
          this.#listener.came(
            fromJsonString(AlertSchema, event.data, { ignoreUnknownFields: true }));
          if (event.id) this.#lastId = event.id;
          this.refreshSoon();
        }
        this.#tell();
      }
    } catch {
      // Ended, by us or by whatever is between: the state says so.
    }
  }

  #tell(): void {
    const { kind, contactAt } = this.#live;
    const state = {
      // A page that has no alerts yet is not live, whatever its stream says.
      kind: kind === "live" && !this.#listedAt ? "starting" : kind,
      checkedAt: this.#time.ago(performance.now() - contactAt),
      upTo: this.#listFailed ? this.#listedAt : this.#behind,
    };
    const told = JSON.stringify(state);
    if (told === this.#told) return;
    this.#told = told;
    this.#listener.changed(state);
  }
}
