import type { createBrowserRouter } from "react-router";
import { rememberPlace } from "@/shared/me/returnTo";

type Router = ReturnType<typeof createBrowserRouter>;

/** Goes to the sign-in page and remembers this one. Unsaved input stays in its draft. */
export function sendToSignIn(router: Router): void {
  const { pathname, search, hash } = router.state.location;
  if (pathname === "/sign-in" || pathname === "/signed-out") {
    return;
  }
  rememberPlace(pathname + search + hash);
  void router.navigate("/sign-in", { replace: true, state: { ended: true } });
}
