// A line chart in plain SVG: a bounded number of points, drawn at most once a frame.

import {el, onceAFrame, svg} from "./dom.js";

const POINTS = 600, LEFT = 56, RIGHT = 12, TOP = 10, BOTTOM = 34;

export class Chart {
  #series = new Map(); #drawing; #text; #draw; #legend; #span = null;

  // title: text. x, y: units. series: {key: label}; keys that come later are added. top: the least top of y.
  // range: [least, greatest] of x, where they are known before.
  // width, height: in units of its text, which is 11 high: fewer for a chart in a narrow card.
  constructor(parent, {title, x = "s", y = "", series = {}, top = 0, range = null, width = 640, height = 240}) {
    this.x = x; this.y = y; this.top = top; this.title = title; this.range = range; this.width = width; this.height = height;
    this.#text = el("span", {class: "hidden"});
    this.#drawing = svg("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", class: "chart"});
    this.#legend = el("ul", {class: "legend"});
    parent.append(el("figure", {}, el("figcaption", {}, y ? `${title}, ${y}` : title), this.#legend, this.#drawing, this.#text));
    this.#draw = onceAFrame(() => this.#paint());
    for (const [key, label] of Object.entries(series)) this.#line(key, label);
    this.#draw();
  }

  add(key, x, y) {
    const line = this.#line(key);
    line.points.push([x, y]);
    if (line.points.length > POINTS) line.points.shift();
    this.#draw();
  }

  // Replaces a whole series.
  set(key, points) { this.#line(key).points = points.slice(-POINTS); this.#draw(); }

  // Shades a span of x behind the lines: [from, to], to null while it lasts. label: its name.
  mark([from, to], label) { this.#span = {from, to, label}; this.#draw(); }

  clear() { this.#span = null; for (const line of this.#series.values()) line.points = []; this.#draw(); }

  #line(key, label = key) {
    if (!this.#series.has(key)) {
      const number = this.#series.size % 6;
      const now = el("b");  // the newest value: of lines that lie on each other the last one is seen
      this.#series.set(key, {label, number, points: [], now});
      this.#legend.append(el("li", {class: `c${number}`}, label, " ", now));
    }
    return this.#series.get(key);
  }

  #paint() {
    const WIDTH = this.width, HEIGHT = this.height;
    const all = [...this.#series.values()];
    const points = all.flatMap(line => line.points);
    const [x0, x1] = this.range ?? (points.length ? [Math.min(...points.map(p => p[0])), Math.max(...points.map(p => p[0]))] : [0, 1]);
    const y1 = nice(Math.max(this.top, 1e-9, ...points.map(p => p[1])));
    const sx = v => LEFT + (x1 > x0 ? (v - x0) / (x1 - x0) : 0) * (WIDTH - LEFT - RIGHT);
    const sy = v => HEIGHT - BOTTOM - Math.min(v / y1, 1) * (HEIGHT - TOP - BOTTOM);
    const parts = [];
    if (this.#span) {
      const from = Math.max(this.#span.from, x0), to = Math.min(this.#span.to ?? Math.max(from, ...points.map(p => p[0])), x1);
      if (to > from) parts.push(
        svg("rect", {class: "marked", x: sx(from), width: sx(to) - sx(from), y: TOP, height: HEIGHT - TOP - BOTTOM}),
        svg("text", {class: "unit", x: sx(from) + 4, y: HEIGHT - BOTTOM - 4}, this.#span.label));
    }
    for (let n = 0; n <= 4; n++) {
      const value = y1 * n / 4;
      parts.push(svg("line", {class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: sy(value), y2: sy(value)}),
        svg("text", {class: "tick", x: LEFT - 6, y: sy(value) + 4, "text-anchor": "end"}, short(value)));
    }
    for (let n = 0; n <= 4; n++) {
      const value = x0 + (x1 - x0) * n / 4;
      parts.push(svg("text", {class: "tick", x: sx(value), y: HEIGHT - 16,
        "text-anchor": n === 4 ? "end" : n ? "middle" : "start"}, short(value)));
    }
    parts.push(svg("text", {class: "unit", x: WIDTH - RIGHT, y: HEIGHT - 2, "text-anchor": "end"}, this.x));
    for (const {points, number} of all) {
      if (!points.length) continue;
      const path = points.map(([x, y], n) => `${n ? "L" : "M"}${sx(x).toFixed(1)} ${sy(y).toFixed(1)}`).join("");
      parts.push(svg("path", {class: `line c${number}`, d: path}));
      const [x, y] = points.at(-1);
      parts.push(svg("circle", {class: `dot c${number}`, cx: sx(x), cy: sy(y), r: 3}));
    }
    this.#drawing.replaceChildren(...parts);
    for (const {points, now} of all) {
      const newest = points.length ? short(points.at(-1)[1]) : "";
      if (now.textContent !== newest) now.textContent = newest;
    }
    const now = all.filter(line => line.points.length)
      .map(line => `${line.label} ${short(line.points.at(-1)[1])} ${this.y}`).join(", ");
    this.#drawing.setAttribute("aria-label", `${this.title}: ${now || "no point yet"}`);
  }
}

// The next round number.
export function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 8, 10].find(step => step * power >= value * 0.999) * power;
}

export function short(value) {
  if (value === 0) return "0";
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}
