// What the map draws and how: bundled land, a graticule and one alert's scene. It names no address outside this server.
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";

const NOTHING = { type: "FeatureCollection" as const, features: [] };
const FONT = ["Segoe UI", "Roboto", "Noto Sans", "DejaVu Sans", "sans-serif"]; // found on the machine: no glyph files are asked for

const SEA = "#0b1014";
const LAND = "#182027";
const SHORE = "#43525f";
const GRID = "#27323b";
const ZONE = "#ff8078";
const TRACK = "#8fd0ff";
const NOW = "#ffffff";

function part(name: string): ExpressionSpecification {
  return ["==", ["get", "part"], name];
}

/** Older is fainter, and never so faint that it is lost. */
const FADE: ExpressionSpecification = ["-", 1, ["*", 0.65, ["get", "age"]]];

const TEXT = { "text-field": ["get", "label"] as ExpressionSpecification, "text-font": FONT, "text-size": 15 };
const INK = { "text-color": NOW, "text-halo-color": SEA, "text-halo-width": 2 };

/** The bundled shore is a kilometre off in places: it says which country this is and must not be read beside a fix. */
const FROM_AFAR: ExpressionSpecification = ["interpolate", ["linear"], ["zoom"], 7, 1, 9, 0];

const LAYERS: LayerSpecification[] = [
  { id: "sea", type: "background", paint: { "background-color": SEA } },
  { id: "land", type: "fill", source: "land", paint: { "fill-color": LAND, "fill-opacity": FROM_AFAR } },
  {
    id: "shore",
    type: "line",
    source: "land",
    paint: { "line-color": SHORE, "line-width": 1, "line-opacity": FROM_AFAR },
  },
  { id: "grid", type: "line", source: "grid", paint: { "line-color": GRID, "line-width": 1 } },
  { id: "zone", type: "fill", source: "scene", filter: part("zone"), paint: { "fill-pattern": "hatch" } },
  { id: "edge", type: "line", source: "scene", filter: part("zone"), paint: { "line-color": ZONE, "line-width": 3 } },
  {
    id: "accuracy",
    type: "fill",
    source: "scene",
    filter: part("accuracy"),
    paint: { "fill-color": NOW, "fill-opacity": 0.12 },
  },
  {
    id: "accuracy-edge",
    type: "line",
    source: "scene",
    filter: part("accuracy"),
    paint: { "line-color": NOW, "line-width": 2 },
  },
  {
    id: "way",
    type: "line",
    source: "scene",
    filter: part("way"),
    layout: { "line-cap": "round" },
    paint: { "line-color": TRACK, "line-width": 3, "line-opacity": FADE },
  },
  {
    id: "gap",
    type: "line",
    source: "scene",
    filter: part("gap"),
    paint: { "line-color": TRACK, "line-width": 1.5, "line-opacity": FADE, "line-dasharray": [1, 4] },
  },
  {
    id: "arrow",
    type: "symbol",
    source: "scene",
    filter: part("way"),
    layout: { "symbol-placement": "line-center", "icon-image": "arrow", "icon-padding": 14 },
    paint: { "icon-opacity": FADE },
  },
  {
    id: "point",
    type: "circle",
    source: "scene",
    filter: part("point"),
    paint: { "circle-radius": 3, "circle-color": TRACK, "circle-opacity": FADE },
  },
  {
    id: "name",
    type: "symbol",
    source: "scene",
    filter: part("name"),
    layout: { ...TEXT, "text-anchor": "bottom", "text-offset": [0, -0.4] },
    paint: INK,
  },
  {
    id: "mark",
    type: "symbol",
    source: "scene",
    filter: ["any", part("first"), part("last")],
    layout: {
      ...TEXT,
      "icon-image": ["get", "part"],
      "icon-allow-overlap": true,
      "text-optional": true,
      "text-variable-anchor": ["top", "bottom", "left", "right"],
      "text-radial-offset": 1,
      "symbol-sort-key": ["match", ["get", "part"], "last", 0, 1],
    },
    paint: INK,
  },
];

export const STYLE: StyleSpecification = {
  version: 8,
  sources: {
    land: { type: "geojson", data: NOTHING, tolerance: 0.2 },
    grid: { type: "geojson", data: NOTHING },
    scene: { type: "geojson", data: NOTHING },
  },
  layers: LAYERS,
};

/** The outline's dashes: a zone the wearer may be in, not is in. */
export const DASHES = { possible: [2, 2], sure: [1, 0] };

/** Pixels of a picture to one of the screen's, so that its edges stay sharp on a dense one. */
export const DENSITY = 2;

type Picture = { name: string; image: ImageData };

/** Pictures drawn here, so that none is fetched: the zone's hatch and the arrow of the trail. */
export function pictures(): Picture[] {
  return [
    picture("hatch", 16, (pen, size) => {
      pen.fillStyle = "rgba(255, 90, 80, 0.10)";
      pen.fillRect(0, 0, size, size);
      pen.strokeStyle = "rgba(255, 128, 120, 0.38)";
      pen.lineWidth = 2;
      for (const shift of [-size, 0, size]) {
        pen.moveTo(shift - 2, size + 2);
        pen.lineTo(shift + size + 2, -2);
      }
      pen.stroke();
    }),
    picture("arrow", 18, (pen, size) => {
      pen.fillStyle = TRACK;
      pen.strokeStyle = SEA;
      pen.lineWidth = 2;
      pen.moveTo(size - 2, size / 2);
      pen.lineTo(3, 3);
      pen.lineTo(7, size / 2);
      pen.lineTo(3, size - 3);
      pen.closePath();
      pen.stroke();
      pen.fill();
    }),
    picture("first", 20, (pen, size) => disc(pen, size, ZONE, SEA)),
    picture("last", 24, (pen, size) => disc(pen, size, SEA, NOW)),
  ];
}

/** A disc with a rim: white where the wearer was last, hollow where the alert began. */
function disc(pen: CanvasRenderingContext2D, size: number, rim: string, inside: string): void {
  pen.arc(size / 2, size / 2, size / 2 - 3, 0, 2 * Math.PI);
  pen.fillStyle = inside;
  pen.strokeStyle = rim;
  pen.lineWidth = 3;
  pen.fill();
  pen.stroke();
}

function picture(name: string, size: number, draw: (pen: CanvasRenderingContext2D, size: number) => void): Picture {
  const canvas = document.createElement("canvas");
  canvas.width = size * DENSITY;
  canvas.height = size * DENSITY;
  const pen = canvas.getContext("2d");
  if (pen === null) throw new Error("this browser cannot draw on a canvas");
  pen.scale(DENSITY, DENSITY);
  pen.beginPath();
  draw(pen, size);
  return { name, image: pen.getImageData(0, 0, canvas.width, canvas.height) };
}
