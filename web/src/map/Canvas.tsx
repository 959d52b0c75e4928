// A scene onto a canvas: MapLibre, with everything it needs from this server's own files.
import { useQuery } from "@tanstack/react-query";
import { type GeoJSONSource, Map as MapLibre, NavigationControl, ScaleControl, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { useEffect, useRef, useState } from "react";
import "maplibre-gl/dist/maplibre-gl.css";
import "../looks/map.css";
import type { Box } from "../geo";
import { graticule, stepFor, ticks } from "./graticule";
import { land } from "./land";
import type { Scene } from "./scene";
import { DASHES, DENSITY, pictures, STYLE } from "./style";

setWorkerUrl(workerUrl);

const FIT = { padding: { top: 64, bottom: 72, left: 72, right: 96 }, maxZoom: 17, animate: false }; // clear of the buttons

interface Props {
  scene: Scene;
  subject: number; // the view is fitted anew when it shows another alert, not whenever a point comes in
}

export default function Canvas({ scene, subject }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [map, setMap] = useState<MapLibre | null>(null);
  const [view, setView] = useState<Box | null>(null);
  const fitted = useRef<number | null>(null);
  const outlines = useQuery({
    queryKey: ["land"],
    queryFn: ({ signal }) => land(signal),
    staleTime: Number.POSITIVE_INFINITY, // once for the whole session
    gcTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
  });

  useEffect(() => {
    if (frame.current === null) return;
    const made = make(frame.current);
    made.once("load", () => setMap(made));
    made.on("move", () => setView(boxSeen(made)));
    return () => {
      setMap(null);
      made.remove();
    };
  }, []);

  useEffect(() => {
    if (map !== null && outlines.data !== undefined) source(map, "land").setData(outlines.data);
  }, [map, outlines.data]);

  useEffect(() => {
    if (map === null) return;
    source(map, "scene").setData({ type: "FeatureCollection", features: scene.features });
    for (const edge of ["edge", "accuracy-edge"]) {
      map.setPaintProperty(edge, "line-dasharray", scene.possible ? DASHES.possible : DASHES.sure);
    }
  }, [map, scene]);

  useEffect(() => {
    if (map === null || scene.box === null || fitted.current === subject) return;
    fitted.current = subject;
    map.fitBounds(scene.box, FIT);
  }, [map, scene.box, subject]);

  useEffect(() => {
    if (map !== null && view !== null) source(map, "grid").setData(graticule(view));
  }, [map, view]);

  return (
    <div className="map">
      <div className="map-canvas" ref={frame} data-drawn={map !== null} />
      {view !== null && <Edges view={view} />}
      <button
        type="button"
        className="map-fit"
        data-key="f"
        disabled={scene.box === null}
        onClick={() => scene.box !== null && map?.fitBounds(scene.box, FIT)}
      >
        Fit <kbd>f</kbd>
      </button>
    </div>
  );
}

function make(container: HTMLElement): MapLibre {
  const map = new MapLibre({
    container,
    style: STYLE,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
    center: [0, 30],
    zoom: 1,
    maxZoom: 19,
    canvasContextAttributes: { preserveDrawingBuffer: true }, // so that the picture can be copied into a report
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl({ unit: "metric", maxWidth: 140 }), "bottom-left");
  for (const { name, image } of pictures())
    map.once("style.load", () => map.addImage(name, image, { pixelRatio: DENSITY }));
  return map;
}

function source(map: MapLibre, name: string): GeoJSONSource {
  const found = map.getSource<GeoJSONSource>(name);
  if (found === undefined) throw new Error(`the map has no source ${name}`);
  return found;
}

function boxSeen(map: MapLibre): Box {
  const seen = map.getBounds();
  return [seen.getWest(), seen.getSouth(), seen.getEast(), seen.getNorth()];
}

const CLEAR = { from: 0.06, to: 0.85 }; // of each side: beyond lie the corners, the buttons and the scale

/** Degrees of the graticule's lines, along the top and the left. */
function Edges({ view: [west, south, east, north] }: { view: Box }) {
  const step = stepFor(Math.max(east - west, north - south));
  const along = ticks(west, east, step, ["E", "W"]).map((tick) => ({
    ...tick,
    share: (tick.at - west) / (east - west),
  }));
  const down = ticks(south, north, step, ["N", "S"]).map((tick) => ({ ...tick, share: depth(tick.at, south, north) }));
  const whole = ({ share }: { share: number }) => share > CLEAR.from && share < CLEAR.to;
  return (
    <div className="map-edges" aria-hidden="true">
      {along.filter(whole).map(({ label, share }) => (
        <span key={label} className="map-lon" style={{ left: `${100 * share}%` }}>
          {label}
        </span>
      ))}
      {down.filter(whole).map(({ label, share }) => (
        <span key={label} className="map-lat" style={{ top: `${100 * share}%` }}>
          {label}
        </span>
      ))}
    </div>
  );
}

/** How far down the map a latitude lies, 0 at the top and 1 at the bottom: Mercator, as drawn. */
function depth(lat: number, south: number, north: number): number {
  const y = (deg: number) => Math.log(Math.tan(Math.PI / 4 + (deg * Math.PI) / 360));
  return (y(north) - y(lat)) / (y(north) - y(south));
}
