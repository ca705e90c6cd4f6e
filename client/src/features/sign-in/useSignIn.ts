import { useMutation } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";
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

/**
 * Calls back when another tab of this browser has signed in.
 *
 * @returns what tells the other tabs that this one has.
 */
export function useSignedInElsewhere(callback: () => void): () => void {
  const channel = useRef<BroadcastChannel>(null);
  useEffect(() => {
    // One object for both directions: what it sends, it does not hear.
    const ours = new BroadcastChannel("msp.session");
    ours.onmessage = callback;
    channel.current = ours;
    return () => ours.close();
  }, [callback]);
  return useCallback(() => channel.current?.postMessage("signed-in"), []);
}
