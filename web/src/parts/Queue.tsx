// Open alerts as a list of rows, of which only those in sight are drawn.
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import type { Live } from "../live";
import { neighbour } from "../order";
import { Row } from "./Row";

const ROW_PX = 108; // rows of one height never shift when their words change
const NARROW_ROW_PX = 162; // who has it, and since when, stand on a line of their own each
const NARROW_PX = 560; // as in looks/narrow.css

interface Props {
  live: Live;
  order: readonly number[];
  held: boolean;
  selected: number | null;
  me: number;
  list: RefObject<HTMLDivElement | null>;
  onSelect(id: number): void;
  owed: ReactNode; // calls, beside the count of alerts
}

export function Queue({ live, order, held, selected, me, list, onSelect, owed }: Props) {
  const whole = useRef<HTMLElement>(null);
  const rowPx = useNarrow(whole) ? NARROW_ROW_PX : ROW_PX;
  const rows = useVirtualizer({
    count: order.length,
    getScrollElement: () => list.current,
    estimateSize: () => rowPx,
    getItemKey: (at) => order[at] ?? at,
    overscan: 6,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: all of them are as tall now
  useEffect(() => rows.measure(), [rows, rowPx]);
  const place = selected === null ? -1 : order.indexOf(selected);
  useEffect(() => {
    if (place >= 0) rows.scrollToIndex(place, { align: "auto" });
  }, [place, rows]);

  function walk(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const next = neighbour(order, selected, step);
    if (next !== null) onSelect(next);
  }

  return (
    <section className="queue" ref={whole} aria-labelledby="queue-title">
      <div className="queue-head">
        <h2 id="queue-title">Queue</h2>
        <span>{live.loaded ? count(order.length) : ""}</span>
        {owed}
        <span className="queue-held">{held ? "Order held" : ""}</span>
      </div>
      <div
        className="queue-list"
        ref={list}
        role="listbox"
        aria-labelledby="queue-title"
        aria-activedescendant={place < 0 ? undefined : `row-${selected}`}
        tabIndex={0}
        onKeyDown={walk}
      >
        {live.loaded && order.length === 0 && <p className="queue-empty">Nothing is open.</p>}
        <div
          role="presentation"
          style={{ height: rows.getTotalSize(), position: "relative", "--row-px": `${rowPx}px` } as CSSProperties}
        >
          {rows.getVirtualItems().map((item) => {
            const alert = live.alerts.get(order[item.index] ?? -1);
            if (alert === undefined) return null;
            return (
              <Row
                key={item.key}
                alert={alert}
                me={me}
                selected={alert.id === selected}
                place={item.index + 1}
                of={order.length}
                top={item.start}
                onSelect={onSelect}
              />
            );
          })}
        </div>
      </div>
    </section>
  );
}

/** Whether an element is too narrow for rows of three lines, by the width that the style sheet goes by. */
function useNarrow(of: RefObject<HTMLElement | null>): boolean {
  const [narrow, setNarrow] = useState(false);
  useLayoutEffect(() => {
    if (of.current === null) return;
    const watching = new ResizeObserver((entries) => {
      const px = entries.at(-1)?.contentRect.width ?? 0;
      if (px > 0) setNarrow(px <= NARROW_PX); // none while the alert stands in its place
    });
    watching.observe(of.current);
    return () => watching.disconnect();
  }, [of]);
  return narrow;
}

function count(open: number): string {
  return open === 1 ? "1 open alert" : `${open} open alerts`;
}
