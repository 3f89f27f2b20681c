// The speed test: two waterfalls as in a browser's network panel, and the measured lines beside the model's.

import {Chart, nice} from "./chart.js";
import {figures} from "./dom.js";
import {Lanes} from "./lanes.js";

const KINDS = {connect: "TCP", tls: "TLS", request: "request, until the first byte", response: "content"};

export default function (stage, live) {
  const set = figures(stage);
  const falls = {
    kept: new Lanes(stage, {title: "One session for all requests", unit: "ms", kinds: KINDS}),
    new: new Lanes(stage, {title: "A session for each request", unit: "ms", kinds: KINDS}),
  };
  const chart = new Chart(stage, {title: "Time until each request is answered, and the model", x: "requests", y: "ms",
    series: {kept: "one session, measured", "kept model": "one session, model",
      new: "a session each, measured", "new model": "a session each, model"}});

  let longest = 1;
  live.on("rows", rows => {
    for (const {way, number, reused, spans} of rows) {
      falls[way].put(number, {label: `GET ${number}${reused ? "" : ", new"}`, spans});
      longest = Math.max(longest, ...spans.map(span => span[1]));
    }
    for (const fall of Object.values(falls)) fall.range(0, nice(longest));  // one scale: the lengths compare
  });
  live.on("points", points => {
    for (const [way, number, measured, model] of points) {
      chart.add(way, number, measured);
      chart.add(`${way} model`, number, model);
    }
  });
  live.on("figures", set);
  live.reset(() => { falls.kept.clear(); falls.new.clear(); chart.clear(); longest = 1; });
}
