import { useMutation } from "@tanstack/react-query";
import { api, unwrap } from "@/shared/api/client";

/** Uses a one-time link up and begins a session. */
export function useRedeemLink() {
  return useMutation({
    mutationFn: (token: string) => unwrap(api.POST("/api/auth/link", { body: { token } })),
  });
}

/** Takes the token out of the address bar and the history, before anything else happens. */
export function takeToken(): string | null {
  const token = window.location.hash.slice(1);
  if (token === "") {
    return null;
  }
  window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);
  return token;
}
