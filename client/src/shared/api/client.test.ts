import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { api, inOrg, unwrap } from "./client";
import { Problem, Unreachable } from "./problem";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const ORG = "11111111-1111-4111-8111-111111111111";

test("a refusal is thrown with its kind, its fields and its request id", async () => {
  server.use(
    http.get("*/api/me", () =>
      HttpResponse.json(
        {
          type: "/problems/body-invalid",
          title: "Invalid",
          status: 422,
          detail: "Look again.",
          instance: "urn:uuid:0197c1c8-7a4e-7c41-9e0b-3f6f6d7f2f10",
          errors: [{ pointer: "#/email", detail: "is missing" }],
        },
        { status: 422 },
      ),
    ),
  );
  const error = await unwrap(api.GET("/api/me")).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Problem);
  expect(error).toMatchObject({
    status: 422,
    slug: "body-invalid",
    message: "Look again.",
    requestId: "0197c1c8-7a4e-7c41-9e0b-3f6f6d7f2f10",
    fields: { email: "is missing" },
  });
});

test("an answer of something in between is a problem as well", async () => {
  server.use(http.get("*/api/me", () => new HttpResponse("<h1>Bad gateway</h1>", { status: 502 })));
  await expect(unwrap(api.GET("/api/me"))).rejects.toMatchObject({ name: "Problem", status: 502 });
});

test("no answer at all is told apart from a refusal", async () => {
  server.use(http.get("*/api/me", () => HttpResponse.error()));
  await expect(unwrap(api.GET("/api/me"))).rejects.toBeInstanceOf(Unreachable);
});

test("a request names its organization, and none for all of them", async () => {
  const named: (string | null)[] = [];
  server.use(
    http.get("*/api/executions", ({ request }) => {
      named.push(request.headers.get("x-organization-id"));
      return HttpResponse.json({ items: [] });
    }),
  );
  await unwrap(api.GET("/api/executions", { ...inOrg(ORG) }));
  await unwrap(api.GET("/api/executions", { ...inOrg("all") }));
  expect(named).toEqual([ORG, null]);
});
