// Calls that are owed, beside the queue: how many, and when the first is due.
import { useQuery } from "@tanstack/react-query";
import { callsOwed } from "../api";
import { useNow } from "../clock";
import { until } from "../words";

const REREAD_MS = 20_000; // a call about a wearer alone is on no stream

export function Owed({ onOpen }: { onOpen(): void }) {
  const nowMs = useNow();
  const owed = useQuery({
    queryKey: ["owed"],
    queryFn: ({ signal }) => callsOwed(signal),
    refetchInterval: REREAD_MS,
    staleTime: 0,
  });
  const first = owed.data?.[0]?.callback_at ?? null;
  if (first === null || owed.data === undefined) return null;
  const left = until(first, nowMs);
  return (
    <button type="button" className="owed" data-overdue={left.overdue} onClick={onOpen}>
      {owed.data.length === 1 ? "1 call owed" : `${owed.data.length} calls owed`} <b>{left.words}</b>
    </button>
  );
}
