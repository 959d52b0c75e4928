// What everybody is told while the system finds something wrong with itself, or is not heard; as much as is known, and what to do.
import { useNow } from "../clock";
import type { Live } from "../live";
import { told as tells } from "../trouble";

export function Banner({ live }: { live: Live }) {
  const nowMs = useNow();
  const told = tells(live, nowMs);
  return (
    <div className="banner" data-grade={told?.grade ?? "none"}>
      {told !== null && (
        <>
          <p>
            <strong>{told.head}</strong>
            {told.what !== "" && <span className="banner-what">{told.what}</span>}
          </p>
          <p>{told.todo}</p>
        </>
      )}
      <span className="unseen" role="alert">
        {told === null ? "" : `${told.grade === "blind" ? "Monitoring may be down." : told.head} ${told.todo}`}
      </span>
    </div>
  );
}
