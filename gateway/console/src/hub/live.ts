// Whether the page hears the hub: a state machine without timers or sockets.
//
//   starting  the stream is asked for, nothing heard yet
//   live      the alerts service was heard on the stream within the last 15 s
//   checking  the stream is mute; the list is asked for every 10 s, and answers
//   lost      neither the stream nor the list answers
//
// Times are milliseconds of any clock that never steps back.

export const kMuteMs = 15_000;
export const kPollMs = 10_000;
const kReopenMs = 30_000;
const kReopenFirstMs = 1_000;

export type LiveKind = "starting" | "live" | "checking" | "lost";
export type Action = "poll" | "open-stream";

export class Live {
  #kind: LiveKind = "starting";
  #since: number;
  #heard: number;
  #streamOpen = true;
  #reopenAt = Infinity;
  #reopenWait = kReopenFirstMs;
  #pollAt = Infinity;

  // The stream has just been asked for.
  constructor(now: number) {
    this.#since = now;
    this.#heard = now;
  }

  get kind(): LiveKind {
    return this.#kind;
  }

  // When the hub was last heard, by whichever way.
  get contactAt(): number {
    return this.#since;
  }

  // An alert came on the stream, or what time it is.
  heard(now: number): void {
    this.#heard = now;
    this.#since = now;
    this.#kind = "live";
    this.#pollAt = Infinity;
    this.#reopenWait = kReopenFirstMs;
  }

  streamEnded(now: number): void {
    this.#streamOpen = false;
    this.#reopenAt = now + this.#reopenWait;
    this.#reopenWait = Math.min(this.#reopenWait * 2, kReopenMs);
  }

  polled(now: number, answered: boolean): void {
    if (this.#kind === "live" || this.#kind === "starting") return;
    if (answered) {
      this.#since = now;
      this.#kind = "checking";
    } else {
      this.#kind = "lost";
    }
    this.#pollAt = now + kPollMs;
  }

  // What is to be done now. To be called once a second.
  tick(now: number): Action[] {
    const actions: Action[] = [];
    const listening = this.#kind === "live" || this.#kind === "starting";
    if (listening && now - this.#heard >= kMuteMs) {
      this.#kind = "checking";
      this.#pollAt = now;
      // A stream that nothing comes through is held back by somebody: another is
      // tried now and then.
      this.#streamOpen = false;
      this.#reopenAt = now + kReopenMs;
    }
    if (now >= this.#pollAt) {
      this.#pollAt = now + kPollMs;
      actions.push("poll");
    }
    if (!this.#streamOpen && now >= this.#reopenAt) {
      this.#streamOpen = true;
      this.#reopenAt = Infinity;
      actions.push("open-stream");
    }
    // An attempt that stays mute while the page polls makes room for the next.
    if (this.#streamOpen && !listening && this.#reopenAt === Infinity) {
      this.#reopenAt = now + kReopenMs;
    }
    if (this.#streamOpen && !listening && now >= this.#reopenAt) {
      this.#reopenAt = now + kReopenMs;
      actions.push("open-stream");
    }
    return actions;
  }
}
