// The bundled land outlines (Natural Earth, 1:50 million), read once for the whole session.
import type { FeatureCollection } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import landUrl from "world-atlas/land-50m.json?url";

let reading: Promise<FeatureCollection> | null = null;

export function land(): Promise<FeatureCollection> {
  reading ??= read();
  return reading;
}

async function read(): Promise<FeatureCollection> {
  const answer = await fetch(landUrl);
  const topology: Topology<{ land: GeometryCollection }> = await answer.json();
  return feature(topology, topology.objects.land);
}
