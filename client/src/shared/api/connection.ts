import { useSyncExternalStore } from "react";

/** Whether the server answers: `restarting` when it says it is on its way, `lost` when nothing answers. */
type ConnectionState = "ok" | "lost" | "restarting";

/** The first look after a loss, and the longest pause between two. */
const FIRST_LOOK_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

let state: ConnectionState = "ok";
let timer: ReturnType<typeof setTimeout> | undefined;
let pauseMs = FIRST_LOOK_MS;
const listeners = new Set<() => void>();
const recovered = new Set<() => void>();

/** Watches what requests find out, and looks for the server by itself while it is away. */
export const connection = {
  /**
   * Something answered. Proxies answer 502 and 504 for a server that is gone. An answer alone ends no loss: where some
   * requests come through and others do not, each would undo the other without end.
   */
  answered(response: Response): void {
    if (response.status === 502 || response.status === 504) {
      connection.lost();
    }
  },
  /** Nothing answered. */
  lost(): void {
    if (state === "ok") {
      become("lost");
    }
    lookAgain();
  },
  /** Calls back each time the server is there again. */
  onRecovery(callback: () => void): () => void {
    recovered.add(callback);
    return () => recovered.delete(callback);
  },
  /** Looks now instead of later. */
  look,
};

/** The state of the connection, for the banner. */
export function useConnection(): ConnectionState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

function become(next: ConnectionState): void {
  if (state !== next) {
    state = next;
    for (const listener of listeners) {
      listener();
    }
  }
}

function settle(): void {
  clearTimeout(timer);
  timer = undefined;
  pauseMs = FIRST_LOOK_MS;
  become("ok");
  for (const callback of recovered) {
    callback();
  }
}

function lookAgain(): void {
  if (timer === undefined) {
    timer = setTimeout(look, pauseMs);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

async function look(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  try {
    const response = await globalThis.fetch("/readyz", { cache: "no-store" });
    if (response.ok) {
      settle();
      return;
    }
    // Our server says 503 while it starts or stops; a proxy in front of nothing says 502 or 504.
    become(response.status === 503 ? "restarting" : "lost");
  } catch {
    become("lost");
  }
  lookAgain();
}

if (typeof window !== "undefined") {
  window.addEventListener("offline", () => connection.lost());
  window.addEventListener("online", () => void look());
}
