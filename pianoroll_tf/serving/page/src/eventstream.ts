// Reads server-sent events from the response to a POST request; the browser's EventSource supports only GET.

export interface ServerEvent {
  event: string;
  data: string;
  id?: string;
}

/** Parses server-sent events from text that arrives in chunks of any size. */
export class EventParser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  private id: string | undefined;

  /** The events that this chunk completes. */
  feed(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/); // a \r at the very end may be half of \r\n
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line !== "") this.parseField(line);
      else if (this.data.length) events.push(this.completeEvent());
      else [this.event, this.id] = ["", undefined];
    }
    return events;
  }

  private parseField(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.event = value;
    else if (name === "data") this.data.push(value);
    else if (name === "id") this.id = value;
  }

  private completeEvent(): ServerEvent {
    const event: ServerEvent = { event: this.event || "message", data: this.data.join("\n") };
    if (this.id !== undefined) event.id = this.id;
    [this.event, this.id] = ["", undefined];
    this.data = [];
    return event;
  }
}

/** Yields the events of a response's body as they arrive. */
export async function* readEventStream(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
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
