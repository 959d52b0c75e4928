// The bundled land outlines (Natural Earth, 1:50 million).
import type { FeatureCollection } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import landUrl from "world-atlas/land-50m.json?url";

export async function land(signal: AbortSignal): Promise<FeatureCollection> {
  const answer = await fetch(landUrl, { signal });
  if (!answer.ok) throw new Error(`the land outlines cannot be read: ${answer.status}`);
  const topology: Topology<{ land: GeometryCollection }> = await answer.json();
  return feature(topology, topology.objects.land);
}
