import { useEffect } from "react";
import { takePlace } from "./returnTo";

const CHANNEL = "msp.session";
const LEFT = "msp.signing-in";

let ours: BroadcastChannel | undefined;

/** One object for both directions: what it sends, it does not hear. */
function channel(): BroadcastChannel {
  ours ??= new BroadcastChannel(CHANNEL);
  return ours;
}

/** Calls back when another tab of this browser has signed in. */
export function useSignedInElsewhere(callback: () => void): void {
  useEffect(() => {
    const tabs = channel();
    tabs.addEventListener("message", callback);
    return () => tabs.removeEventListener("message", callback);
  }, [callback]);
}

/** Tells the other tabs that this one has signed in; those that wait for it go on. */
export function tellOtherTabs(): void {
  channel().postMessage("signed-in");
}

/** Notes that this tab leaves to sign in elsewhere. */
export function leaveToSignIn(): void {
  sessionStorage.setItem(LEFT, "yes");
}

/** Once this tab is back from there and signed in: the place is found, and the other tabs may go on. */
export function useReturnFromSignIn(): void {
  useEffect(() => {
    if (sessionStorage.getItem(LEFT) !== null) {
      sessionStorage.removeItem(LEFT);
      takePlace();
      tellOtherTabs();
    }
  }, []);
}
