// What time it is for the pages: the one place that knows. In a demo or a training hub
// the story's, which stands where the log stands; else the machine's own.
export class HubTime {
  readonly isReal: boolean;
  #moved: (now: Date) => void;
  #story: Date | undefined;
  #tellKnown: () => void = () => {};
  #known = new Promise<void>((resolve) => {
    this.#tellKnown = resolve;
  });

  // `moved` hears of every step of a story's time.
  constructor(environment: string, moved: (now: Date) => void) {
    this.isReal = !["demo", "training"].includes(environment);
    this.#moved = moved;
    if (this.isReal) this.#tellKnown();
  }

  // Kept once it is known where a story stands.
  get known(): Promise<void> {
    return this.#known;
  }

  now(): Date {
    return this.isReal ? new Date() : (this.#story ?? new Date());
  }

  // When that was which happened so long ago: a story's time stood still since.
  ago(ms: number): Date {
    return new Date(this.now().getTime() - (this.isReal ? ms : 0));
  }

  // The log's time, as the hub says it. It never steps back: of two answers that
  // overtook one another the later one stands.
  tell(logTime: Date): void {
    if (this.isReal || (this.#story && this.#story >= logTime)) return;
    this.#story = logTime;
    this.#tellKnown();
    this.#moved(logTime);
  }
}
