// Server-sent events read off a response: EventSource can only GET, and what is generated is asked for by POST.

export interface ServerEvent {
  event: string;
  data: string;
}

/** Text in pieces of any size -> the events that are complete. */
export class EventParser {
  private rest = "";
  private event = "";
  private data: string[] = [];

  /** The events that this piece of text completes. */
  feed(text: string): ServerEvent[] {
    const found: ServerEvent[] = [];
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/); // a \r at the very end may be half of \r\n
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line !== "") this.field(line);
      else if (this.data.length) found.push(this.take());
      else this.event = "";
    }
    return found;
  }

  private field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.event = value;
    else if (name === "data") this.data.push(value);
  }

  private take(): ServerEvent {
    const complete = { event: this.event || "message", data: this.data.join("\n") };
    this.event = "";
    this.data = [];
    return complete;
  }
}

/** The events of a response's body, as they arrive. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
