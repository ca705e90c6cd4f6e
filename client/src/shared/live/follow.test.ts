import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Connection } from "./contact";
import { follow, type LiveSource } from "./follow";
import type { LiveNews, LogLine } from "./liveEvents";

/** A stream that a test writes to. */
class Wire {
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  readonly after: number;
  readonly response: Response;

  constructor(after: number, signal: AbortSignal) {
    this.after = after;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
    });
    signal.addEventListener("abort", () => this.breakOff());
    this.response = new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  bytes(bytes: Uint8Array): void {
    this.#controller.enqueue(bytes);
  }

  write(text: string): void {
    this.bytes(new TextEncoder().encode(text));
  }

  event(name: string, id: number, data: unknown): void {
    this.write(`event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  lines(...seqs: number[]): void {
    for (const seq of seqs) {
      this.event("log", seq, line(seq));
    }
  }

  close(): void {
    this.#controller.close();
  }

  breakOff(): void {
    try {
      this.#controller.error(new TypeError("network error"));
    } catch {
      // It is closed already.
    }
  }
}

function line(seq: number): LogLine {
  return { seq, at: "2026-01-01T00:00:00Z", level: "info", source: "print", message: `line ${seq}`, step: null };
}

/** Follows a source whose answers a test decides. */
function following(answers: Partial<LiveSource> = {}, after = 0) {
  const wires: Wire[] = [];
  const connections: Connection[] = [];
  const news: LiveNews[] = [];
  const onEnd = vi.fn();
  const onRefused = vi.fn();
  const onPolled = vi.fn();
  const source: LiveSource = {
    stream: async (from, signal) => {
      const wire = new Wire(from, signal);
      wires.push(wire);
      return wire.response;
    },
    page: async () => {
      throw new Error("no page is expected");
    },
    ...answers,
  };
  const listener = {
    onNews: (told: LiveNews) => news.push(told),
    onConnection: (connection: Connection) => connections.push(connection),
    onEnd,
    onRefused,
    onPolled,
  };
  const stop = follow(source, listener, after);
  const seqs = () => news.flatMap(({ lines }) => lines.map(({ seq }) => seq));
  const wire = async (index: number): Promise<Wire> => {
    await vi.waitFor(() => expect(wires.length).toBeGreaterThan(index));
    const found = wires[index];
    if (!found) {
      throw new Error(`there is no stream ${index}`);
    }
    return found;
  };
  return { wires, wire, connections, news, seqs, stop, onEnd, onRefused, onPolled };
}

/** Lets what was written be read, without the clock of retries moving noticeably. */
const settle = () => vi.advanceTimersByTimeAsync(1);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a stream", () => {
  it("tells status, progress, steps and lines as they come, and the end", async () => {
    const live = following();
    const wire = await live.wire(0);
    wire.event("status", 0, { status: "Running" });
    wire.event("progress", 0, { percent: 10, message: "Found" });
    wire.event("step", 0, { seq: 1, name: "Look up", status: "Running", started_at: "2026-01-01T00:00:00Z" });
    wire.lines(1, 2);
    await settle();
    expect(live.connections).toEqual(["live"]);
    expect(live.seqs()).toEqual([1, 2]);
    expect(live.news.map(({ status }) => status).filter(Boolean)).toEqual(["Running"]);
    expect(live.news.flatMap(({ steps }) => steps.map(({ name }) => name))).toEqual(["Look up"]);
    expect(live.news.find(({ progress }) => progress)?.progress).toEqual({ percent: 10, message: "Found" });

    wire.event("end", 2, { status: "Failed", error_type: "ValueError", error_message: "no" });
    await settle();
    expect(live.news.at(-1)).toMatchObject({ status: "Failed", ended: true });
    expect(live.onEnd).toHaveBeenCalledOnce();
    expect(live.connections).toEqual(["live", "over"]);
    wire.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(live.wires).toHaveLength(1);
  });

  it("is read across chunks that cut events and characters in two", async () => {
    const live = following();
    const wire = await live.wire(0);
    const bytes = new TextEncoder().encode(`event: log\ndata: ${JSON.stringify({ ...line(1), message: "é😀" })}\n\n`);
    for (const byte of bytes) {
      wire.bytes(Uint8Array.of(byte));
    }
    await settle();
    expect(live.news.flatMap(({ lines }) => lines.map(({ message }) => message))).toEqual(["é😀"]);
    live.stop();
  });

  it("resumes after the last line when it breaks off, and shows no line twice", async () => {
    const live = following();
    const first = await live.wire(0);
    first.lines(1, 2, 3);
    await settle();
    first.breakOff();
    await vi.advanceTimersByTimeAsync(1_000);
    const second = await live.wire(1);
    expect(second.after).toBe(3);
    second.lines(2, 3, 4);
    await settle();
    expect(live.seqs()).toEqual([1, 2, 3, 4]);
    live.stop();
  });

  it("resumes when the server closes it without an end", async () => {
    const live = following();
    const first = await live.wire(0);
    first.lines(1);
    first.event("closed", 1, { type: "/problems/engine-unavailable" });
    first.close();
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await live.wire(1)).after).toBe(1);
    expect(live.onEnd).not.toHaveBeenCalled();
    live.stop();
  });

  it("says nothing of a short loss, and says so when it lasts", async () => {
    let isUp = true;
    const live = following({
      stream: async (after, signal) => {
        if (!isUp) {
          throw new TypeError("connection refused");
        }
        const wire = new Wire(after, signal);
        wires.push(wire);
        return wire.response;
      },
    });
    const wires: Wire[] = live.wires;
    const first = await live.wire(0);
    first.lines(1);
    await settle();
    isUp = false;
    first.breakOff();
    await vi.advanceTimersByTimeAsync(2_900);
    expect(live.connections).toEqual(["live"]);
    await vi.advanceTimersByTimeAsync(200);
    expect(live.connections).toEqual(["live", "reconnecting"]);
    isUp = true;
    await vi.advanceTimersByTimeAsync(5_000);
    (await live.wire(1)).lines(2);
    await settle();
    expect(live.connections).toEqual(["live", "reconnecting", "live"]);
    expect(live.seqs()).toEqual([1, 2]);
    live.stop();
  });

  it("stays while heartbeats come, and is opened again when they stop", async () => {
    const live = following();
    const first = await live.wire(0);
    first.lines(1);
    for (let beat = 0; beat < 4; beat++) {
      await vi.advanceTimersByTimeAsync(15_000);
      first.write(": still here\n\n");
    }
    await settle();
    expect(live.wires).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(17_500);
    expect((await live.wire(1)).after).toBe(1);
    live.stop();
  });

  it("from before the server was away is opened again as soon as it is back", async () => {
    let recover = () => {};
    const forget = vi.fn();
    const onRecovery = (callback: () => void) => {
      recover = callback;
      return forget;
    };
    const live = following({ onRecovery });
    (await live.wire(0)).lines(1);
    await settle();
    recover();
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await live.wire(1)).after).toBe(1);
    expect(forget).toHaveBeenCalledOnce();
    live.stop();
  });

  it("that is stopped is not opened again, and tells nothing more", async () => {
    const live = following();
    await live.wire(0);
    live.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(live.wires).toHaveLength(1);
    expect(live.news).toEqual([]);
    expect(live.connections).toEqual([]);
  });
});

describe("a refusal", () => {
  it("for good ends it", async () => {
    const stream = vi.fn(async () => new Response("{}", { status: 404 }));
    const live = following({ stream });
    await vi.waitFor(() => expect(live.onRefused).toHaveBeenCalledOnce());
    await vi.advanceTimersByTimeAsync(60_000);
    expect(stream).toHaveBeenCalledOnce();
    expect(live.onEnd).not.toHaveBeenCalled();
  });

  it("that passes is tried again, ever more slowly", async () => {
    const stream = vi.fn(async () => new Response("{}", { status: 503 }));
    const live = following({ stream });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(live.onRefused).not.toHaveBeenCalled();
    expect(live.connections).toEqual(["reconnecting"]);
    // Doubling from half a second to five: some fifteen tries in a minute, not a hundred.
    expect(stream.mock.calls.length).toBeGreaterThan(10);
    expect(stream.mock.calls.length).toBeLessThan(25);
    live.stop();
  });
});

describe("pages", () => {
  /** Answers pages of two lines of a log that is `known()` lines long. */
  const pages = (known: () => number, status: () => string) => {
    return vi.fn(async (after: number) => {
      const items = [after + 1, after + 2].filter((seq) => seq <= known()).map(line);
      const last = items.at(-1)?.seq;
      const isFull = items.length === 2 && last !== undefined;
      return Response.json({
        items,
        next_cursor: isFull ? String(last) : null,
        status: status(),
        logs_through: known(),
      });
    });
  };

  it("are read at once to the last line, then every two seconds, when a stream yields nothing for ten seconds", async () => {
    let known = 5;
    let status = "Running";
    const page = pages(
      () => known,
      () => status,
    );
    const live = following({ page });
    await live.wire(0);
    await vi.advanceTimersByTimeAsync(9_900);
    expect(page).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(200);
    expect(live.seqs()).toEqual([1, 2, 3, 4, 5]);
    expect(live.connections).toEqual(["polling"]);
    expect(live.onPolled).toHaveBeenCalledOnce();
    known = 6;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(live.seqs()).toEqual([1, 2, 3, 4, 5, 6]);
    status = "Success";
    await vi.advanceTimersByTimeAsync(2_000);
    expect(live.onEnd).toHaveBeenCalledOnce();
    expect(live.connections).toEqual(["polling", "over"]);
    // Where no stream ever came through, none is tried again.
    expect(live.wires).toHaveLength(1);
  });

  it("are read when too many streams are open, until there may be room again", async () => {
    const saturated = { type: "/problems/streams-saturated", title: "Too many", status: 503 };
    const stream = vi.fn(async () => Response.json(saturated, { status: 503 }));
    const page = pages(
      () => 1,
      () => "Running",
    );
    const live = following({ stream, page });
    await vi.advanceTimersByTimeAsync(100);
    expect(live.seqs()).toEqual([1]);
    expect(live.connections).toEqual(["polling"]);
    await vi.advanceTimersByTimeAsync(62_000);
    expect(stream).toHaveBeenCalledTimes(2);
    live.stop();
  });

  it("that cannot be read are asked for again", async () => {
    let isUp = false;
    const page = vi.fn(async () => {
      if (!isUp) {
        throw new TypeError("connection refused");
      }
      return Response.json({ items: [line(1)], next_cursor: null, status: "Success", logs_through: 1 });
    });
    const live = following({ page });
    await vi.advanceTimersByTimeAsync(15_000);
    expect(live.connections).toEqual(["reconnecting"]);
    isUp = true;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(live.seqs()).toEqual([1]);
    expect(live.onEnd).toHaveBeenCalledOnce();
  });
});
