// How fresh the screen is, in one place: quiet words while all is well, a banner when the queue may be old.
import { useNow } from "../clock";
import { ago, span, wall } from "../instant";
import type { Live } from "../live";

const GRACE_MS = 3_000; // a line that breaks and comes back within this was no news

export function Line({ live }: { live: Live }) {
  const nowMs = useNow();
  const broken = live.line === "lost" && nowMs - live.freshMs > GRACE_MS;
  if (live.line === "lost" && live.freshMs === 0) {
    return (
      <Freshness state="lost" words={`No connection. ${live.trouble ?? "The queue cannot be read."} Trying again.`} />
    );
  }
  if (broken) {
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
    return <Freshness state="behind" words={behind(live.judging, nowMs)} />;
  return <Freshness state="live" words="Live" />;
}

function behind(judging: NonNullable<Live["judging"]>, nowMs: number): string {
  const head = judging.state === "stopped" ? "Judging has stopped" : "Judging is behind";
  if (judging.as_of === null) return `${head}: nothing has been judged yet`;
  return `${head}: positions are judged as of ${wall(judging.as_of, nowMs)}, ${ago(judging.as_of, nowMs)}`;
}

function Freshness({ state, words }: { state: "opening" | "live" | "lost" | "behind"; words: string }) {
  return (
    <p className="line" data-state={state} role="status">
      <span className="line-mark" aria-hidden="true" />
      {words}
    </p>
  );
}
