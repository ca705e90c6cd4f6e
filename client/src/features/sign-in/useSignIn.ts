import { useMutation } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, unwrap } from "@/shared/api/client";

/** Tells other tabs of this browser that somebody has signed in. */
const CHANNEL = "msp.session";

/** Uses a one-time link up and begins a session. */
export function useRedeemLink() {
  return useMutation({
    mutationFn: (token: string) => unwrap(api.POST("/api/auth/link", { body: { token } })),
    onSuccess: () => {
      const channel = new BroadcastChannel(CHANNEL);
      channel.postMessage("signed-in");
      channel.close();
    },
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

/** Calls back when another tab of this browser has signed in. */
export function useSignedInElsewhere(callback: () => void): void {
  useEffect(() => {
    const channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = callback;
    return () => channel.close();
  }, [callback]);
}
