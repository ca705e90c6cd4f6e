import { strings } from "@/strings/shared";
import type { components } from "@/types/api";

/** A refusal as the server words it (RFC 9457). */
type ProblemBody = components["schemas"]["Problem"];

/** A request the server refused. Thrown by `unwrap`; queries and mutations carry it as their error. */
export class Problem extends Error {
  override readonly name = "Problem";
  /** The whole body, with the members of its kind (`execution_id`, `pause`). */
  readonly body: ProblemBody;

  constructor(body: ProblemBody) {
    super(body.detail ?? body.title);
    this.body = body;
  }

  get status(): number {
    return this.body.status;
  }

  /** The kind, as `docs/problems/` names it: `permission-denied`. */
  get slug(): string {
    return this.body.type.replace(/^.*\//, "");
  }

  /** What a person tells support, and what stands in the server's log. */
  get requestId(): string | undefined {
    return this.body.instance?.replace(/^urn:uuid:/, "");
  }

  /** The fields at fault, by name: `{ email: "..." }` for the pointer `#/email`. */
  get fields(): Record<string, string> {
    return Object.fromEntries(
      (this.body.errors ?? []).map((fault) => [fault.pointer.replace(/^#\//, ""), fault.detail]),
    );
  }
}

/** Nothing answered: no network, or the server is not there. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** Whether asking again can help: the server was away or overloaded, and did not refuse. */
export function isPassing(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof Problem && error.status >= 502);
}

/** The problem in an answer that failed; answers of proxies in between are put into the same shape. */
export function problemFrom(response: Response, body: unknown): Problem {
  if (isProblemBody(body)) {
    return new Problem(body);
  }
  const requestId = response.headers.get("x-request-id");
  return new Problem({
    type: "about:blank",
    title: response.statusText || strings.answered(response.status),
    status: response.status,
    ...(requestId && { instance: `urn:uuid:${requestId}` }),
  });
}

function isProblemBody(body: unknown): body is ProblemBody {
  return (
    typeof body === "object" &&
    body !== null &&
    "type" in body &&
    typeof body.type === "string" &&
    "title" in body &&
    typeof body.title === "string" &&
    "status" in body &&
    typeof body.status === "number"
  );
}
