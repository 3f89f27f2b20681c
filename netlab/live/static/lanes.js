// Lanes over time in plain SVG: one row for each connection, with spans of several kinds. The newest are kept.

import {el, onceAFrame, svg} from "./dom.js";
import {NARROW, WIDTH, nice, ticks} from "./chart.js";

// On a phone a note has a line of its own under its lane.
const ROW = 22, LEFT = NARROW ? 104 : 118, NOTES = NARROW ? 12 : 230, TOP = 22, LINE = 14;

export class Lanes {
  #rows = new Map(); #drawing; #draw; #pick; #picked = null; #kinds; #unit; #legend; #range = null;

  // pick(id): called on a click or Enter. kinds: {kind: label} for the legend. rows: lanes that are kept.
  constructor(parent, {title, pick = null, kinds = {}, rows = 40, unit = "s"}) {
    this.rows = rows; this.#pick = pick; this.#unit = unit; this.title = title;
    this.#drawing = svg("svg", {class: "lanes", role: pick ? "group" : "img", "aria-label": title});
    this.#legend = el("ul", {class: "legend"},
      ...Object.entries(kinds).map(([kind, label]) => el("li", {class: `k-${kind}`}, label)));
    parent.append(el("figure", {}, el("figcaption", {}, title), this.#legend,
      el("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": title}, this.#drawing)));
    this.#draw = onceAFrame(() => this.#paint());
    this.#draw();
  }

  // spans: [[from, to, kind, title], …] in one unit of time. note: text behind the last span.
  put(id, {label, spans, note = ""}) {
    const row = this.#rows.get(id) ?? this.#row(id);
    Object.assign(row, {label, spans, note});
    this.#rows.set(id, row);
    if (this.#rows.size > this.rows) {
      const [oldest, gone] = this.#rows.entries().next().value;
      gone.group.remove();
      this.#rows.delete(oldest);
    }
    this.#draw();
  }

  drop(id) { this.#rows.get(id)?.group.remove(); this.#rows.delete(id); this.#draw(); }

  // The time that is shown, instead of all that the spans cover.
  range(from, to) { this.#range = [from, to]; this.#draw(); }

  clear() { this.#rows.clear(); this.#picked = null; this.#drawing.replaceChildren(); this.#draw(); }

  #row(id) {
    const group = svg("g", {class: "lane"});
    if (this.#pick) {
      const pick = () => { this.#picked = id; this.#draw(); this.#pick(id); };
      group.setAttribute("tabindex", 0);
      group.setAttribute("role", "button");
      group.addEventListener("click", pick);
      group.addEventListener("keydown", event => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(); }
      });
    }
    return {group};
  }

  #paint() {
    const rows = [...this.#rows.values()];
    let height = TOP;
    const tops = rows.map(row => { const top = height; height += ROW + (NARROW && row.note ? LINE : 0); return top; });
    height = Math.max(height, TOP + ROW) + 4;
    const ends = rows.flatMap(row => row.spans.map(span => span[1]));
    const starts = rows.flatMap(row => row.spans.map(span => span[0]));
    const t0 = this.#range ? this.#range[0] : starts.length ? Math.min(...starts) : 0;
    const length = this.#range ? this.#range[1] - t0 : nice(Math.max(1e-6, ...ends.map(end => end - t0)));
    const right = rows.some(row => row.note) ? NOTES : 12;
    const sx = t => LEFT + (t - t0) / length * (WIDTH - LEFT - right);
    this.#drawing.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
    const axis = svg("g", {class: "axis", "aria-hidden": "true"});
    const shift = this.#range ? 0 : t0;  // without a range the first event is at 0
    for (const [value, text] of ticks(t0 - shift, t0 - shift + length, {most: NARROW ? 3 : 5})) {
      const x = sx(value + shift);
      axis.append(svg("line", {class: "grid", x1: x, x2: x, y1: TOP - 4, y2: height}),
        svg("text", {class: "tick", x, y: 12, "text-anchor": x > WIDTH - 4 * text.length - 8 ? "end" : "middle"},
          `${text} ${this.#unit}`));
    }
    rows.forEach((row, n) => this.#lane(row, tops[n], sx));
    // Only what is new or gone is moved: the focus stays where it is.
    this.#drawing.querySelector(".axis")?.remove();
    this.#drawing.prepend(axis);
    for (const row of rows) if (!row.group.isConnected) this.#drawing.append(row.group);
  }

  #lane(row, y, sx) {
    const {group, label, spans, note} = row;
    const picked = this.#rows.get(this.#picked) === row;
    group.classList.toggle("picked", picked);
    if (this.#pick) group.setAttribute("aria-pressed", picked);
    const words = spans.map(span => span[3] || span[2]).slice(-6).join(", ");
    group.setAttribute("aria-label", `${label}: ${words}${note ? `; ${note}` : ""}`);
    group.replaceChildren(
      svg("rect", {class: "back", x: 0, y, width: WIDTH, height: ROW - 2 + (NARROW && note ? LINE : 0), rx: 3}),
      svg("text", {class: "name", x: 4, y: y + 14}, label),
      ...spans.map(([from, to, kind, title]) => svg("rect", {class: `span k-${kind}`, x: sx(from), y: y + 3,
        width: Math.max(sx(to) - sx(from), 1.5), height: ROW - 8, rx: 1.5}, svg("title", {}, title || kind))),
      ...(note ? [svg("text", {class: "note", x: NARROW ? 4 : WIDTH - NOTES + 8, y: y + 14 + (NARROW ? LINE + 2 : 0)},
        note.length > 42 ? `${note.slice(0, 41)}…` : note, svg("title", {}, note))] : []));
  }
}
