import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { connection } from "./connection";
import { isPassing, Problem } from "./problem";

/** Tries after the first, for what passes by itself. */
const RETRIES = 2;

/**
 * The cache of what the server said.
 *
 * @param onSessionEnd called when the server no longer knows the session (401).
 */
export function makeQueryClient(onSessionEnd: () => void): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof Problem && error.status === 401) {
      onSessionEnd();
    }
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // The browser's own idea of being online is wrong for servers on the same machine.
        networkMode: "always",
        retry: (failures, error) => isPassing(error) && failures < RETRIES,
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
  connection.onRecovery(() => void client.invalidateQueries());
  return client;
}
