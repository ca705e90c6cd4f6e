import { type ReactNode, useEffect, useState } from "react";
import { strings } from "@/strings/shared";

/** Answers that come sooner show no skeleton: it would only flicker. */
const SKELETON_AFTER_MS = 150;

/** Shows its skeleton after a moment, and says once to screen readers that something loads. */
export function Delayed({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), SKELETON_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" aria-label={strings.loading} style={{ visibility: shown ? "visible" : "hidden" }}>
      {children}
    </div>
  );
}
