// The pool: a lane for each connection, the queue over time, and the figures. A slider that moves starts anew.

import {Chart} from "./chart.js";
import {figures} from "./dom.js";
import {Lanes} from "./lanes.js";

const WINDOW = 8, SPANS = 400;  // seconds shown; spans kept of one connection
const KINDS = {connecting: "connect", "in use": "request", idle: "idle", closed: "close"};

export default function (stage, live, {form, order, values}) {
  const set = figures(stage);
  const lanes = new Lanes(stage, {title: `Connections, the last ${WINDOW} s`, rows: 40, kinds: {
    connect: "connecting", request: "in use", idle: "idle", close: "closed, and why"}});
  const chart = new Chart(stage, {title: "The queue and the connections", x: "s", y: "", series: {
    waiting: "requests in the queue", busy: "connections in use", idle: "idle connections"}});
  const known = new Map();
  let running = false;

  function step([at, number, state, why]) {
    const one = known.get(number) ?? {spans: [], since: at, state: "", note: "", closed: 0};
    if (one.state) {
      one.spans.push([one.since, at, KINDS[one.state], `${one.state}, ${Math.round((at - one.since) * 1000)} ms`]);
      if (one.spans.length > SPANS) one.spans.shift();
    }
    Object.assign(one, {since: at, state, note: state === "closed" ? why : "", closed: state === "closed" ? at : 0});
    known.set(number, one);
  }

  function draw(now) {
    const from = Math.max(0, now - WINDOW);
    for (const [number, one] of known) {
      if (one.closed && one.closed < from) { known.delete(number); lanes.drop(number); continue; }
      const spans = one.spans.filter(span => span[1] > from).map(([a, b, ...rest]) => [Math.max(a, from), b, ...rest]);
      if (one.closed) spans.push([one.closed, one.closed + 0.06, "close", one.note]);
      else spans.push([Math.max(one.since, from), now, KINDS[one.state], one.state]);
      lanes.put(number, {label: `connection ${number}`, spans, note: one.note});
    }
    lanes.range(from, from + WINDOW);
  }

  live.on("steps", steps => steps.forEach(step));
  live.on("course", points => {
    for (const [at, waiting, busy, idle] of points) {
      chart.add("waiting", at, waiting);
      chart.add("busy", at, busy);
      chart.add("idle", at, idle);
    }
    draw(points.at(-1)[0]);
  });
  live.on("figures", set);
  live.on("status", ({state}) => { running = state === "running"; });
  live.reset(() => { known.clear(); lanes.clear(); chart.clear(); });
  form.addEventListener("change", () => { if (running) order("start", values()); });
}
