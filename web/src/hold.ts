// Whether somebody is aiming at the list: while the pointer or keys were busy there, its rows must keep their places.
import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

const AIMING_MS = 10_000; // a pointer left lying on the list must not hold it all night

/** ``held``, and ``touch`` for keys pressed elsewhere that move through the list. */
export function useHold(list: RefObject<HTMLElement | null>): { held: boolean; touch: () => void } {
  const [held, setHeld] = useState(false);
  const timer = useRef<number | undefined>(undefined);
  const release = useCallback(() => {
    window.clearTimeout(timer.current);
    setHeld(false);
  }, []);
  const touch = useCallback(() => {
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(release, AIMING_MS);
    setHeld(true);
  }, [release]);
  useEffect(() => {
    const element = list.current;
    if (element === null) return;
    const busy = ["pointermove", "pointerdown", "wheel", "keydown"] as const;
    for (const name of busy) element.addEventListener(name, touch, { passive: true });
    element.addEventListener("pointerleave", release);
    return () => {
      for (const name of busy) element.removeEventListener(name, touch);
      element.removeEventListener("pointerleave", release);
      window.clearTimeout(timer.current);
    };
  }, [list, touch, release]);
  return { held, touch };
}
