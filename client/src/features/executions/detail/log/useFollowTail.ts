import { type RefObject, useLayoutEffect, useRef } from "react";

/** So close to the end counts as the end: sizes are fractions when a page is zoomed. */
const NEAR_PX = 4;

/**
 * Keeps a box that scrolls at its end while it is followed. Scrolling up lets go of the end, scrolling down to it takes
 * hold of it again.
 *
 * @returns what to call when the box scrolls
 */
export function useFollowTail(
  scroller: RefObject<HTMLElement | null>,
  heightPx: number,
  isFollowing: boolean,
  setFollowing: (isFollowing: boolean) => void,
): () => void {
  const lastTop = useRef(0);
  // The height is why: every time the content grows, its end is somewhere else.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box && isFollowing) {
      box.scrollTop = box.scrollHeight;
      lastTop.current = box.scrollTop;
    }
  }, [scroller, heightPx, isFollowing]);
  return () => {
    const box = scroller.current;
    if (!box) {
      return;
    }
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight <= NEAR_PX;
    // Only a person scrolls up; growing content never does.
    const wentUp = box.scrollTop < lastTop.current - 1;
    lastTop.current = box.scrollTop;
    if (isAtEnd !== isFollowing && (isAtEnd || wentUp)) {
      setFollowing(isAtEnd);
    }
  };
}
