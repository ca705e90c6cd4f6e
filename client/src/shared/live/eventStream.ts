import { createParser, type EventSourceMessage } from "eventsource-parser";

/** The server is never silent for longer than 15 seconds; one more is for the way. */
const SILENCE_MS = 16_000;
/** A stream that has said nothing for so long never will: something on the way holds it back. */
export const NOTHING_MS = 10_000;

/** How a stream ended: it was closed or broke off, nothing of it arrived in time, or the server refused it. */
type StreamEnd = { kind: "closed" } | { kind: "nothing" } | { kind: "refused"; response: Response };

interface Reading {
  /** Every event of a chunk at once, so that many lines cost one update. */
  onEvents(events: EventSourceMessage[]): void;
  /** Anything arrived, a heartbeat included. */
  onContact(): void;
}

/**
 * Read an event stream to its end. Never throws: a stream that breaks is an everyday matter, and what to do about it is
 * the same as when the server closes it.
 *
 * @param open asks for the stream; the signal it is given also ends a stream that falls silent
 */
export async function readEventStream(
  open: (signal: AbortSignal) => Promise<Response>,
  reading: Reading,
  signal: AbortSignal,
): Promise<StreamEnd> {
  const attempt = new AbortController();
  const stop = () => attempt.abort();
  signal.addEventListener("abort", stop);
  let heard = false;
  let watch = setTimeout(stop, NOTHING_MS);
  try {
    const response = await open(attempt.signal);
    if (!response.ok || response.body === null) {
      return { kind: "refused", response };
    }
    const events: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => events.push(event) });
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return { kind: "closed" };
      }
      heard = true;
      clearTimeout(watch);
      watch = setTimeout(stop, SILENCE_MS);
      reading.onContact();
      parser.feed(decoder.decode(value, { stream: true }));
      reading.onEvents(events.splice(0));
    }
  } catch {
    const isHeldBack = !heard && attempt.signal.aborted && !signal.aborted;
    attempt.abort();
    return { kind: isHeldBack ? "nothing" : "closed" };
  } finally {
    clearTimeout(watch);
    signal.removeEventListener("abort", stop);
  }
}
