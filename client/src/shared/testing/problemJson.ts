import { HttpResponse } from "msw";

/** A refusal, as the server answers it. */
export function problemJson(status: number, slug: string, more: Record<string, unknown> = {}) {
  return HttpResponse.json(
    { type: `/problems/${slug}`, title: slug, status, ...more },
    { status, headers: { "Content-Type": "application/problem+json" } },
  );
}
