// The tags of an outage: whom to check on by hand first, who is still silent, who was heard again.
import { useState } from "react";
import type { Listed as Item } from "../api";
import { useNow } from "../clock";
import { wall } from "../instant";

const SHOWN = 50; // those to be checked by hand first, and the longest silent, are on top

export function Listed({ tags }: { tags: readonly Item[] }) {
  const nowMs = useNow();
  const [whole, setWhole] = useState(false);
  const shown = whole ? tags : tags.slice(0, SHOWN);
  const silent = tags.filter((item) => item.back_at === null).length;
  return (
    <section aria-labelledby="listed-title">
      <h3 id="listed-title">
        Tags: {silent} of {tags.length} still silent
      </h3>
      <ul className="listed">
        {shown.map((item) => (
          <li key={`${item.tag} ${item.since}`} data-first={item.check_first && item.back_at === null}>
            <b>{item.wearer ?? `Tag ${item.tag}`}</b>
            {item.check_first && item.back_at === null && <strong> Check by hand first</strong>}
            <br />
            {item.wearer !== null && <>Tag {item.tag} · </>}
            overdue since <time dateTime={item.since}>{wall(item.since, nowMs)}</time>
            {item.back_at !== null && (
              <>
                , heard again <time dateTime={item.back_at}>{wall(item.back_at, nowMs)}</time>
              </>
            )}
          </li>
        ))}
      </ul>
      {shown.length < tags.length && (
        <button type="button" onClick={() => setWhole(true)}>
          and {tags.length - shown.length} more
        </button>
      )}
    </section>
  );
}
