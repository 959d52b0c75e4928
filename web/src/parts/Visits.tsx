// Visits to an alert's wearer that somebody plans or makes: whether anybody is at the door, and when one is due.
import { useQuery } from "@tanstack/react-query";
import * as api from "../api";
import { useNow } from "../clock";
import { visited } from "../words";

const REREAD_MS = 20_000; // a visit is on no stream

export function Visits({ wearer }: { wearer: number }) {
  const nowMs = useNow();
  const visits = useQuery({
    queryKey: ["visits", wearer],
    queryFn: ({ signal }) => api.visits(wearer, signal),
    refetchInterval: REREAD_MS,
    staleTime: 0,
  });
  if (visits.data === undefined || visits.data.length === 0) return null;
  return (
    <ul className="visits" aria-label="Visits">
      {visits.data.map((visit) => (
        <li key={visit.id} data-status={visit.status}>
          {visited(visit, nowMs)}
        </li>
      ))}
    </ul>
  );
}
