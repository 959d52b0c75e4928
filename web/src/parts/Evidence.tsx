// The location points and device events the alert was judged by, as copied when it was judged.
import type { Fix, Evidence as Item } from "../api";
import { useNow } from "../clock";
import { wall } from "../instant";
import { distance, found, length, tagSays } from "../words";

export function Evidence({ evidence }: { evidence: readonly Item[] }) {
  const nowMs = useNow();
  return (
    <section aria-labelledby="evidence-title">
      <h3 id="evidence-title">Evidence</h3>
      <ul className="evidence">
        {evidence.map((item) => (
          <li key={item.position}>
            {item.distance_m !== null && <b>{distance(item.distance_m)}</b>}
            <ul>
              {item.events.map((event) => (
                <li key={`${event.at} ${event.kind}`}>
                  <time dateTime={event.at}>{wall(event.at, nowMs)}</time> The tag says: {tagSays(event.kind)}
                </li>
              ))}
              {item.fixes.map((fix) => (
                <li key={`${fix.fix_at} ${fix.source}`}>
                  <time dateTime={fix.fix_at}>{wall(fix.fix_at, nowMs)}</time> {point(fix)}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A location point in words: where, how sure, by what, and anything odd about it. */
export function point(fix: Fix): string {
  const parts = [`${fix.lat.toFixed(5)}, ${fix.lon.toFixed(5)}`];
  if (fix.accuracy_m !== null) parts.push(`within ${length(fix.accuracy_m)}`);
  return [...parts, ...found(fix)].join(" · ");
}
