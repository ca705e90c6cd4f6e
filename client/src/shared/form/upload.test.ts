import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { Problem, Unreachable } from "@/shared/api/problem";
import type { Field } from "./schema";
import { uploadTo } from "./upload";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const ORG = "11111111-1111-4111-8111-111111111111";
const field: Field = { name: "roster", label: "Roster", type: "file" };
const REFERENCE = { id: "1", name: "Übersicht.csv", size_bytes: 3, content_type: "text/csv" };

function send(signal = new AbortController().signal, onProgress = vi.fn()) {
  const file = new File(["a,b"], "Übersicht.csv", { type: "text/csv" });
  return uploadTo(ORG)(file, { field, signal, onProgress });
}

test("a file is sent as it is, for its organization, and what stands for it is answered", async () => {
  const seen: unknown[] = [];
  server.use(
    http.post("*/api/uploads", async ({ request }) => {
      const name = new URL(request.url).searchParams.get("name");
      const { headers } = request;
      seen.push([name, headers.get("X-Organization-Id"), headers.get("Content-Type"), await request.text()]);
      return HttpResponse.json({ ...REFERENCE, sha256: "00", expires_at: "2026-01-02T00:00:00Z" }, { status: 201 });
    }),
  );
  expect(await send()).toEqual(REFERENCE);
  expect(seen).toEqual([["Übersicht.csv", ORG, "text/csv", "a,b"]]);
});

test("a refusal is thrown with its kind, and silence as such", async () => {
  const body = { type: "/problems/uploads-full", title: "Full", status: 409, detail: "Remove some." };
  server.use(http.post("*/api/uploads", () => HttpResponse.json(body, { status: 409 })));
  const refusal: unknown = await send().catch((thrown: unknown) => thrown);
  expect(refusal).toBeInstanceOf(Problem);
  expect(refusal).toMatchObject({ slug: "uploads-full", message: "Remove some." });
  server.use(http.post("*/api/uploads", () => HttpResponse.error()));
  expect(await send().catch((thrown: unknown) => thrown)).toBeInstanceOf(Unreachable);
});

test("an upload that nobody wants any more is aborted", async () => {
  const abort = new AbortController();
  server.use(http.post("*/api/uploads", () => new Promise<never>(() => undefined)));
  const sending = send(abort.signal).catch((thrown: unknown) => thrown);
  abort.abort();
  expect(await sending).toMatchObject({ name: "AbortError" });
  expect(await send(abort.signal).catch((thrown: unknown) => thrown)).toMatchObject({ name: "AbortError" });
});
