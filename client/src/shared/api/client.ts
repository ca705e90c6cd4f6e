import createClient from "openapi-fetch";
import type { paths } from "@/types/api";
import { connection } from "./connection";
import { problemFrom, Unreachable } from "./problem";

/**
 * The server's API, typed from `docs/openapi.json`. The session is a cookie that scripts never see.
 *
 * `fetch` is looked up at each call, so that tests can put a server of their own in its place.
 */
export const api = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: "same-origin",
  fetch: watchedFetch,
});

/** A `fetch` that tells the connection banner how it went. For what `openapi-fetch` cannot do, such as event streams. */
export async function watchedFetch(request: Request): Promise<Response> {
  try {
    const response = await globalThis.fetch(request);
    connection.answered(response);
    return response;
  } catch (error) {
    if (request.signal.aborted) {
      throw error;
    }
    connection.lost();
    throw new Unreachable("The server does not answer.", { cause: error });
  }
}

/** The organization a request is for: `api.GET("/api/executions", { ...inOrg(orgId) })`. `all` names none. */
export function inOrg(orgId: string): { headers: Record<string, string> } {
  return { headers: orgId === "all" ? {} : { "X-Organization-Id": orgId } };
}

interface Answer {
  data?: unknown;
  error?: unknown;
  response: Response;
}

/** What the answer carries when it is no refusal. */
type DataOf<A> = A extends { data: infer T; error?: undefined } ? T : never;

/**
 * The body of an answer.
 *
 * @throws {Problem} the server refused.
 * @throws {Unreachable} nothing answered.
 */
export async function unwrap<A extends Answer>(call: Promise<A>): Promise<DataOf<A>> {
  return (await unwrapWithResponse(call)).data;
}

/** Like {@link unwrap}, with the answer's headers (`ETag`, `X-Execution-Id`) beside its body. */
export async function unwrapWithResponse<A extends Answer>(
  call: Promise<A>,
): Promise<{ data: DataOf<A>; response: Response }> {
  const answer = await call;
  if (!succeeded(answer)) {
    throw problemFrom(answer.response, answer.error);
  }
  return { data: answer.data, response: answer.response };
}

function succeeded<A extends Answer>(answer: A): answer is A & { data: DataOf<A> } {
  return answer.response.ok;
}
