import { api, unwrapWithResponse } from "@/shared/api/client";
import { connection } from "@/shared/api/connection";
import { isPassing, Problem } from "@/shared/api/problem";
import type { components } from "@/types/api";
import type { Change, Preferences } from "./preferences";
import { onChange, readSettings, writeSettings } from "./store";
import { fromSettings, toSettings } from "./wire";

type Settings = components["schemas"]["UserSettings"];

/** Several clicks in a row are one request. */
const GATHER_MS = 800;

/**
 * Keeps this browser's copy of somebody's preferences and the server's the same until it is stopped: reads once, sends
 * what changes. Where another tab or browser was faster, this tab's changes are made again on top of its choices.
 */
export function syncPreferences(userId: string): () => void {
  const abort = new AbortController();
  let known: Settings | undefined;
  let etag: string | null = null;
  let pending: Change[] = [];
  let busy = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const read = async (): Promise<Settings> => {
    const { data, response } = await unwrapWithResponse(api.GET("/api/me/settings", { signal: abort.signal }));
    etag = response.headers.get("etag");
    if (etag !== null) {
      writeSettings(userId, applied({ ...readSettings(userId), ...fromSettings(data) }, pending));
    } else {
      // Chosen before the server kept anything: this browser's copy is all there is.
      pending.push(() => ({}));
    }
    return data;
  };
  const write = async (base: Settings, sent: Change[], keepalive: boolean) => {
    const { data, response } = await unwrapWithResponse(
      api.PUT("/api/me/settings", {
        body: toSettings(readSettings(userId), base),
        params: { header: etag === null ? {} : { "If-Match": etag } },
        keepalive,
        signal: abort.signal,
      }),
    );
    known = data;
    etag = response.headers.get("etag");
    pending = pending.filter((change) => !sent.includes(change));
  };

  const flush = async (isLeaving = false) => {
    clearTimeout(timer);
    timer = undefined;
    if (busy) {
      return;
    }
    busy = true;
    try {
      known ??= await read();
      while (pending.length > 0) {
        await write(known, [...pending], isLeaving).catch(async (error: unknown) => {
          if (!(error instanceof Problem && error.status === 412)) {
            throw error;
          }
          known = await read();
        });
      }
    } catch (error) {
      // What the server refuses stays in this browser; what it could not be asked is sent when it is there again.
      if (!isPassing(error)) {
        pending = [];
      }
    } finally {
      busy = false;
    }
  };

  // What was chosen just before a reload would be undone by the older choices that are read after it.
  const leave = () => {
    if (known && pending.length > 0) {
      void flush(true);
    }
  };
  window.addEventListener("pagehide", leave);

  const stops = [
    () => window.removeEventListener("pagehide", leave),
    onChange((whose, change) => {
      if (whose === userId) {
        pending.push(change);
        timer ??= setTimeout(() => void flush(), GATHER_MS);
      }
    }),
    connection.onRecovery(() => void flush()),
    () => abort.abort(),
    () => clearTimeout(timer),
  ];
  void flush();
  return () => {
    for (const stop of stops) {
      stop();
    }
  };
}

function applied(start: Preferences, made: Change[]): Preferences {
  let now = start;
  for (const change of made) {
    now = { ...now, ...change(now) };
  }
  return now;
}
