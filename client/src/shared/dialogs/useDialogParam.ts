import { useSearchParams } from "react-router";

/** A dialog that stands in the URL: it can be linked to, and Back closes it. */
interface DialogParam {
  /** What is open: the name of a thing, or the empty text for a new one. `undefined` while the dialog is closed. */
  open: string | undefined;
  /** Where the dialog is open for a thing. */
  link: (name: string) => string;
  show: (name: string) => void;
  close: () => void;
}

/** The dialog under a parameter of the URL. */
export function useDialogParam(param: string): DialogParam {
  const [params, setParams] = useSearchParams();
  const withOpen = (name: string) => {
    const next = new URLSearchParams(params);
    next.set(param, name);
    return next;
  };
  return {
    open: params.get(param) ?? undefined,
    link: (name) => `?${withOpen(name)}`,
    show: (name) => setParams(withOpen(name)),
    close: () =>
      setParams(
        (current) => {
          const next = new URLSearchParams(current);
          next.delete(param);
          return next;
        },
        { replace: true },
      ),
  };
}
