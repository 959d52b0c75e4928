// How fresh the screen is, in one place: quiet words while all is well, a banner when the queue may be old.
import { useNow } from "../clock";
import { ago, span, wall } from "../instant";
import type { Live } from "../live";
import { broken } from "../trouble";

export function Line({ live }: { live: Live }) {
  const nowMs = useNow();
  if (live.line === "lost" && live.freshMs === 0) {
    return (
      <Freshness state="lost" words={`No connection. ${live.trouble ?? "The queue cannot be read."} Trying again.`} />
    );
  }
  if (broken(live, nowMs)) {
    const since = wall(new Date(live.freshMs).toISOString(), nowMs);
    return (
      <Freshness
        state="lost"
        words={`Reconnecting – the list may be old: last heard ${since}, ${span(nowMs - live.freshMs)} ago`}
      />
    );
  }
  if (live.freshMs === 0) return <Freshness state="opening" words="Connecting…" />;
  if (live.judging !== null && live.judging.state !== "live")
    return (
      <Freshness
        state="behind"
        words={live.judging.state === "stopped" ? "Judging has stopped" : "Judging is behind"}
      />
    );
  return <Freshness state="live" words="Live" />;
}

/** A quiet sign that alerts do come: when the last one of our own making did. Nothing while that is not known. */
export function Proof({ live }: { live: Live }) {
  const nowMs = useNow();
  const seen = live.line === "live" ? live.judging?.seen_at : null;
  if (seen === null || seen === undefined) return null;
  return <p className="proof">Test alert came {ago(seen, nowMs)}</p>;
}

function Freshness({ state, words }: { state: "opening" | "live" | "lost" | "behind"; words: string }) {
  return (
    <p className="line" data-state={state} role="status">
      <span className="line-mark" aria-hidden="true" />
      {words}
    </p>
  );
}
