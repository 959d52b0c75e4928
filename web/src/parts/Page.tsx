// What stands in place of queue and alert: a title to begin reading at, the way back, and lists that say when they are empty.
import { type ReactNode, useEffect, useRef } from "react";

interface Props {
  title: string;
  trouble: string; // of reading or doing; empty: none
  onLeave(): void;
  children: ReactNode;
}

export function Page({ title, trouble, onLeave, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section className="shift" aria-labelledby="page-title">
      <div className="shift-head">
        <h2 id="page-title" ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <button type="button" onClick={onLeave}>
          Back to the queue <kbd>Esc</kbd>
        </button>
      </div>
      <p role="alert" className="trouble">
        {trouble}
      </p>
      {children}
    </section>
  );
}

interface PartProps {
  title: string;
  empty: string;
  count: number;
  children: ReactNode;
}

export function Part({ title, empty, count, children }: PartProps) {
  return (
    <section className="shift-part">
      <h3>
        {title} {count > 0 && <span>{count}</span>}
      </h3>
      {count === 0 ? <p className="quiet">{empty}</p> : <ul>{children}</ul>}
    </section>
  );
}
