// A line chart in plain SVG: a bounded number of points, drawn at most once a frame.

import {el, onceAFrame, svg} from "./dom.js";

const POINTS = 600, LEFT = 56, RIGHT = 12, TOP = 16, BOTTOM = 34;

// Of a drawing, in units of its text, which is 11 high: so it can be read on a phone, and is not large on a screen.
export const WIDTH = innerWidth > 900 ? 960 : innerWidth > 600 ? 640 : 360;
export const NARROW = WIDTH < 600;  // a phone

export class Chart {
  #series = new Map(); #drawing; #text; #draw; #legend; #span = null;

  // title: text. x, y: units. series: {key: label}; keys that come later are added. top: the least top of y.
  // range: [least, greatest] of x, where they are known before.
  // width, height: fewer for a chart in a narrow card.
  constructor(parent, {title, x = "s", y = "", series = {}, top = 0, range = null, width = WIDTH, height = 240}) {
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
    const {width, height} = this;
    const all = [...this.#series.values()];
    const points = all.flatMap(line => line.points);
    const [x0, x1] = this.range ?? span(points.map(p => p[0]));
    const levels = ticks(0, Math.max(this.top, ...points.map(p => p[1])) || 1, {whole: !this.y, above: true});
    const y1 = levels.at(-1)[0];
    const sx = v => LEFT + (x1 > x0 ? (v - x0) / (x1 - x0) : 0) * (width - LEFT - RIGHT);
    const sy = v => height - BOTTOM - Math.min(v / y1, 1) * (height - TOP - BOTTOM);
    const parts = [];
    if (this.#span) {
      const from = Math.max(this.#span.from, x0), to = Math.min(this.#span.to ?? Math.max(from, ...points.map(p => p[0])), x1);
      if (to > from) parts.push(
        svg("rect", {class: "marked", x: sx(from), width: sx(to) - sx(from), y: TOP, height: height - TOP - BOTTOM}),
        svg("text", {class: "unit", x: sx(from), y: TOP - 5}, this.#span.label));
    }
    for (const [value, text] of levels) {
      parts.push(svg("line", {class: "grid", x1: LEFT, x2: width - RIGHT, y1: sy(value), y2: sy(value)}),
        svg("text", {class: "tick", x: LEFT - 6, y: sy(value) + 4, "text-anchor": "end"}, text));
    }
    for (const [value, text] of ticks(x0, x1)) {
      parts.push(svg("text", {class: "tick", x: sx(value), y: height - 16,
        "text-anchor": sx(value) > width - RIGHT - 20 ? "end" : "middle"}, text));
    }
    parts.push(svg("text", {class: "unit", x: width - RIGHT, y: height - 2, "text-anchor": "end"}, this.x));
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

// The least and the greatest value; 0 is the least where it is near.
function span(values) {
  if (!values.length) return [0, 1];
  const least = Math.min(...values), greatest = Math.max(...values);
  return [least >= 0 && least < greatest / 10 ? 0 : least, greatest];
}

// Ticks from one value to another, `most` steps at most, each 1, 2 or 5 times a power of ten: [[value, text], …].
// whole: no step below 1, for what is counted. above: up to the first tick that is not below the last value.
export function ticks(from, to, {whole = false, above = false, most = 5} = {}) {
  const least = Math.max((to - from) / most, whole ? 1 : 1e-9) * 0.999, power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].find(each => each * power >= least) * power;
  const round = each => above ? Math.ceil(each) : Math.floor(each);
  const first = Math.ceil(from / step - 1e-6), last = round(to / step + (above ? -1e-6 : 1e-6));
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-6));
  return Array.from({length: Math.max(0, last - first + 1)}, (_, n) => [(first + n) * step,
    ((first + n) * step).toLocaleString("en", {maximumFractionDigits: digits})]);
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
