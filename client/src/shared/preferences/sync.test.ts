import { waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { problemJson } from "@/shared/testing/problemJson";
import { toggled } from "./preferences";
import { changeSettings, readSettings } from "./store";
import { syncPreferences } from "./sync";

const server = setupServer();
const USER = "99999999-9999-4999-8999-999999999999";
const NONE = { organizations: [], workflows: [], forms: [] };
const NEW = { favourites: NONE, recent: NONE, theme: "system", shortcuts: true, time_zone: null, tables: {} };
let stored: { settings: Record<string, unknown>; version: number } | undefined;
let stop: () => void;

beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
beforeEach(() => {
  stored = undefined;
  server.use(
    http.get("*/api/me/settings", () =>
      stored
        ? HttpResponse.json(stored.settings, { headers: { ETag: `"${stored.version}"` } })
        : HttpResponse.json(NEW),
    ),
    http.put("*/api/me/settings", async ({ request }) => {
      const wanted = request.headers.get("if-match");
      if (stored && wanted !== `"${stored.version}"`) {
        return problemJson(412, "stale-version");
      }
      const settings = (await request.json()) as Record<string, unknown>;
      stored = { settings, version: (stored?.version ?? 0) + 1 };
      return HttpResponse.json(settings, { headers: { ETag: `"${stored.version}"` } });
    }),
  );
});
afterEach(() => {
  stop();
  server.resetHandlers();
});
afterAll(() => server.close());

const favourites = () => (stored?.settings.favourites as { organizations: string[] } | undefined)?.organizations;

test("what the server keeps is what this browser shows, and what it alone knows is kept", async () => {
  stored = {
    settings: {
      ...NEW,
      theme: "dark",
      time_zone: "Europe/Amsterdam",
      tables: { runs: { columns: ["a"], widths: {}, page_size: 25 } },
    },
    version: 3,
  };
  stop = syncPreferences(USER);
  await waitFor(() => expect(readSettings(USER).theme).toBe("dark"));
  expect(readSettings(USER).tables).toEqual({ runs: { columns: ["a"], widths: {}, page_size: 25 } });

  changeSettings(USER, () => ({ shortcuts: false }));
  await waitFor(() => expect(stored?.version).toBe(4));
  expect(stored.settings).toMatchObject({ shortcuts: false, theme: "dark", time_zone: "Europe/Amsterdam" });
});

test("what was chosen before the server kept anything is brought to it", async () => {
  changeSettings(USER, () => ({ favourites: ["x"] }));
  stop = syncPreferences(USER);
  await waitFor(() => expect(favourites()).toEqual(["x"]));
});

test("a change just before the page is left is sent at once, in a way that outlives the page", async () => {
  stored = { settings: NEW, version: 1 };
  const fetch = vi.spyOn(globalThis, "fetch");
  stop = syncPreferences(USER);
  changeSettings(USER, () => ({ favourites: ["x"] }));
  await waitFor(() => expect(favourites()).toEqual(["x"]));
  fetch.mockClear();
  changeSettings(USER, () => ({ favourites: ["x", "y"] }));
  window.dispatchEvent(new Event("pagehide"));
  expect(fetch.mock.calls.map(([request]) => request)).toMatchObject([{ method: "PUT", keepalive: true }]);
  await waitFor(() => expect(favourites()).toEqual(["x", "y"]));
  window.dispatchEvent(new Event("pagehide"));
  expect(fetch).toHaveBeenCalledOnce();
});

test("a change is made again on top of what another tab chose meanwhile", async () => {
  stored = { settings: { ...NEW, favourites: { ...NONE, organizations: ["a"] } }, version: 1 };
  stop = syncPreferences(USER);
  await waitFor(() => expect(readSettings(USER).favourites).toEqual(["a"]));

  stored = { settings: { ...NEW, favourites: { ...NONE, organizations: ["a", "theirs"] }, theme: "dark" }, version: 2 };
  changeSettings(USER, (now) => ({ favourites: toggled(now.favourites, "mine") }));
  await waitFor(() => expect(favourites()).toEqual(["a", "theirs", "mine"]));
  expect(readSettings(USER)).toMatchObject({ favourites: ["a", "theirs", "mine"], theme: "dark" });
});
