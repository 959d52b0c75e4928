// Where the wearer of an alert was: the map, and the same in words for those who cannot see it.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import * as api from "../api";
import { useNow } from "../clock";
import { words } from "../problem";
import Canvas from "./Canvas";
import { nowhere, sceneOf, wordsOf } from "./scene";
import { trackWindow } from "./window";

const REFRESH_MS = 30_000; // while the alert is active its wearer moves; each reading is audited, so not more often

interface Props {
  alert: api.Alert;
  wearer: number;
  evidence: readonly api.Evidence[];
}

export function MapPane({ alert, wearer, evidence }: Props) {
  const { zone_id, zone_version } = alert;
  const zone = useQuery({
    queryKey: ["zone", zone_id, zone_version],
    queryFn: ({ signal }) =>
      zone_id === null || zone_version === null ? null : api.zone(zone_id, zone_version, signal),
    staleTime: Number.POSITIVE_INFINITY, // a version never changes
  });
  const follows = alert.condition === "active" && alert.handling !== "closed";
  const track = useQuery({
    queryKey: ["track", alert.id, alert.event_at, alert.ended_at],
    queryFn: ({ signal }) => {
      const { from, to } = trackWindow(alert);
      return api.track(wearer, from, to, signal);
    },
    placeholderData: (shown, query) => (query?.queryKey[1] === alert.id ? shown : undefined), // never another wearer's
    refetchInterval: follows ? REFRESH_MS : false,
  });
  const known = useMemo(
    () => ({ alert, zone: zone.data ?? null, evidence, track: track.data ?? null }),
    [alert, zone.data, evidence, track.data],
  );
  const scene = useMemo(() => sceneOf(known), [known]);
  const nowMs = useNow();
  const said = wordsOf(known, nowMs);
  const settled = !zone.isPending && !track.isPending;
  const unread = track.isError && track.data === undefined; // whether there was a position nobody knows
  const older = useQuery({
    queryKey: ["last", alert.id],
    queryFn: ({ signal }) => api.lastBefore(wearer, trackWindow(alert).from, signal),
    enabled: settled && !unread && scene.box === null,
  });
  return (
    <section aria-label="Where">
      {settled && scene.box === null ? (
        <p className="map-none">
          {unread || older.isError ? "Positions cannot be read now." : nowhere(older.data, nowMs)}
        </p>
      ) : (
        <Canvas scene={settled ? scene : { ...scene, box: null }} subject={alert.id} />
      )}
      <ul className="map-words">
        {said.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {[zone.error, track.error].map(
        (error) =>
          error !== null && (
            <p key={words(error)} role="alert" className="trouble">
              The map is not complete: {words(error)}
            </p>
          ),
      )}
    </section>
  );
}
