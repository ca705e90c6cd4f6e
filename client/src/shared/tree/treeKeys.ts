import { parentIndex, type TreeRow } from "./treeRows";

/** Where a key leads, and whether it opens or closes what is there. */
interface Move {
  to: number;
  toggles: boolean;
}

/** What a key does in a tree (WAI-ARIA Authoring Practices, "Tree View"); nothing for keys that mean nothing there. */
export function moveInTree(rows: readonly TreeRow[], at: number, key: string): Move | undefined {
  const row = rows[at];
  const last = rows.length - 1;
  const to = (index: number): Move => ({ to: Math.max(0, Math.min(last, index)), toggles: false });
  switch (key) {
    case "ArrowDown":
      return to(at + 1);
    case "ArrowUp":
      return to(at - 1);
    case "Home":
      return to(0);
    case "End":
      return to(last);
    case "PageDown":
      return to(at + PAGE);
    case "PageUp":
      return to(at - PAGE);
    case "ArrowRight":
      return row?.isOpen === false ? { to: at, toggles: true } : row?.isOpen ? to(at + 1) : undefined;
    case "ArrowLeft":
      return row?.isOpen ? { to: at, toggles: true } : to(parentIndex(rows, at));
    case "Enter":
    case " ":
      return { to: at, toggles: true };
    default:
      return undefined;
  }
}

/** Rows a page key moves. */
const PAGE = 15;
