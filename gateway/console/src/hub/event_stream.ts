// Server-sent events over fetch. The browser's own EventSource cannot be told where a
// list ended, and does not tell that nobody is signed in any more.

export interface StreamEvent {
  id: string;
  type: string;
  data: string;
}

// Cuts what comes into events, wherever the pieces end.
export class EventParser {
  #rest = "";
  #id = "";
  #type = "";
  #data: string[] = [];

  push(text: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    const whole = this.#rest + text;
    // A CR at the very end may be half of a CRLF.
    const end = whole.endsWith("\r") ? whole.length - 1 : whole.length;
    const lines = whole.slice(0, end).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? "") + whole.slice(end);
    for (const line of lines) this.#line(line, events);
    return events;
  }

  #line(line: string, events: StreamEvent[]): void {
    if (line === "") {
      if (this.#data.length > 0) {
        events.push({
          id: this.#id,
          type: this.#type || "message",
          data: this.#data.join("\n"),
        });
      }
      this.#type = "";
      this.#data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") this.#id = value;
    if (field === "event") this.#type = value;
    if (field === "data") this.#data.push(value);
  }
}
