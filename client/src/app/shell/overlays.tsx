import { createContext, type ReactNode, useContext, useMemo, useState } from "react";

/** What can lie over the page; one at a time. */
type Overlay = "switcher" | "help" | "pause";

interface Overlays {
  open: Overlay | null;
  show: (overlay: Overlay) => void;
  close: () => void;
}

const OverlaysContext = createContext<Overlays | null>(null);

/** Lets keys, palette and buttons open the same things. */
export function OverlaysProvider({ children }: { children: ReactNode }) {
  const [open, setOpen] = useState<Overlay | null>(null);
  const value = useMemo(() => ({ open, show: setOpen, close: () => setOpen(null) }), [open]);
  return <OverlaysContext value={value}>{children}</OverlaysContext>;
}

/** What lies over the page, and how to change that. */
export function useOverlays(): Overlays {
  const overlays = useContext(OverlaysContext);
  if (!overlays) {
    throw new Error("useOverlays() needs the shell around it.");
  }
  return overlays;
}
