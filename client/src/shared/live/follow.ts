import { backOffMs, pause } from "./backOff";
import { type Connection, Contact } from "./contact";
import { NOTHING_MS, readEventStream } from "./eventStream";
import { isFinal, type LiveNews, type LogPage, newsOf } from "./liveEvents";

/** How often a page is asked for while there is no stream. */
const POLL_MS = 2_000;
/** How long pages are read before a stream is tried again, where streams have worked or may. */
const POLL_PERIOD_MS = 60_000;

/** Where an execution is followed. */
export interface LiveSource {
  /** Asks for the event stream after line `after`. */
  stream(after: number, signal: AbortSignal): Promise<Response>;
  /** Asks for a page of lines after line `after`, as JSON. */
  page(after: number, signal: AbortSignal): Promise<Response>;
  /** Calls back when the server is there again after it was away: a stream from before may be dead and not know it. */
  onRecovery?(callback: () => void): () => void;
}

/** Who wants to know. */
interface LiveListener {
  onNews(news: LiveNews): void;
  onConnection(connection: Connection): void;
  /** There is no stream: whoever wants progress and steps reads the execution. */
  onPolled(): void;
  /** No more will come, and the final state can be read. */
  onEnd(): void;
  /** The server refuses, and would again. */
  onRefused(response: Response): void;
}

/** A refusal that another try may overcome: the server is busy, starting, or out of order. */
function isPassing(response: Response): boolean {
  return response.status >= 500 || response.status === 429 || response.status === 408;
}

/**
 * Follow an execution from line `after` to its end: by its event stream, resumed where it broke off; by pages where no
 * stream can be had.
 */
export function follow(source: LiveSource, listener: LiveListener, after: number): () => void {
  const stop = new AbortController();
  const follower = new Follower(source, listener, after, stop.signal);
  void follower.run();
  return () => stop.abort();
}

class Follower {
  readonly #source: LiveSource;
  readonly #listener: LiveListener;
  readonly #signal: AbortSignal;
  readonly #contact: Contact;
  /** The last line that was told. */
  #through: number;
  #failures = 0;
  #hasStreamed = false;
  #isOver = false;

  constructor(source: LiveSource, listener: LiveListener, after: number, signal: AbortSignal) {
    this.#source = source;
    this.#listener = listener;
    this.#through = after;
    this.#signal = signal;
    this.#contact = new Contact((connection) => listener.onConnection(connection));
  }

  async run(): Promise<void> {
    while (!this.#isDone) {
      await this.#stream();
    }
    this.#contact.dispose();
  }

  get #isDone(): boolean {
    return this.#isOver || this.#signal.aborted;
  }

  async #stream(): Promise<void> {
    const open = (signal: AbortSignal) => this.#source.stream(this.#through, signal);
    const reading = {
      onContact: () => this.#heard("live"),
      onEvents: (events: Parameters<typeof newsOf>[0]) => this.#tell(newsOf(events, this.#through)),
    };
    const attempt = new AbortController();
    const forget = this.#source.onRecovery?.(() => attempt.abort());
    const end = await readEventStream(open, reading, AbortSignal.any([this.#signal, attempt.signal]));
    forget?.();
    if (this.#isDone) {
      return;
    }
    if (end.kind === "nothing") {
      return this.#poll(this.#hasStreamed ? POLL_PERIOD_MS : Number.POSITIVE_INFINITY);
    }
    if (end.kind === "closed") {
      return this.#wait();
    }
    if (await isSaturated(end.response)) {
      return this.#poll(POLL_PERIOD_MS);
    }
    return this.#refused(end.response);
  }

  /** Reads pages for so long. */
  async #poll(periodMs: number): Promise<void> {
    const until = Date.now() + periodMs;
    while (!this.#isDone && Date.now() < until) {
      const page = await this.#page();
      if (page === undefined) {
        continue;
      }
      this.#heard("polling");
      const lines = page.items.filter((line) => line.seq > this.#through);
      const isAll = typeof page.next_cursor !== "string";
      this.#tell({ lines, steps: [], status: page.status, ended: isAll && isFinal(page.status) });
      if (!isAll || this.#isDone) {
        continue;
      }
      this.#listener.onPolled();
      await pause(POLL_MS, this.#signal);
    }
  }

  async #page(): Promise<LogPage | undefined> {
    try {
      const inTime = AbortSignal.any([this.#signal, AbortSignal.timeout(NOTHING_MS)]);
      const response = await this.#source.page(this.#through, inTime);
      if (response.ok) {
        return await response.json();
      }
      await this.#refused(response);
    } catch {
      await this.#wait();
    }
    return undefined;
  }

  #heard(how: "live" | "polling"): void {
    this.#failures = 0;
    this.#hasStreamed ||= how === "live";
    this.#contact.made(how);
  }

  #tell(news: LiveNews): void {
    this.#through = news.lines.at(-1)?.seq ?? this.#through;
    this.#listener.onNews(news);
    if (!news.ended) {
      return;
    }
    this.#isOver = true;
    this.#contact.over();
    this.#listener.onEnd();
  }

  async #refused(response: Response): Promise<void> {
    if (isPassing(response)) {
      return this.#wait();
    }
    this.#isOver = true;
    this.#contact.over();
    this.#listener.onRefused(response);
  }

  async #wait(): Promise<void> {
    if (this.#isDone) {
      return;
    }
    this.#contact.lost();
    this.#failures += 1;
    await pause(backOffMs(this.#failures), this.#signal);
  }
}

async function isSaturated(response: Response): Promise<boolean> {
  if (response.status !== 503) {
    return false;
  }
  const problem: { type?: string } | null = await response.json().catch(() => null);
  return problem?.type === "/problems/streams-saturated";
}
