// The handshake: the figures of each connection, and the ladder of its records.

import {el, figures} from "./dom.js";
import {Ladder} from "./records.js";

export default function (stage, live) {
  const connections = el("div"), rungs = el("div");
  stage.append(connections, el("h2", {}, "Records, as they arrive"), rungs);
  const ladder = new Ladder(rungs), shown = new Map();
  let last = 0;

  live.under("connection/", (number, values) => {
    if (!shown.has(number)) {
      const box = el("div", {}, el("h2", {}, `Connection ${number}`));
      connections.append(box);
      shown.set(number, figures(box));
    }
    shown.get(number)(values);
  });
  live.on("records", records => {
    for (const record of records) {
      if (record.connection !== last) ladder.note(`Connection ${last = record.connection}`);
      ladder.record(record);
    }
  });
  live.reset(() => { connections.replaceChildren(); shown.clear(); ladder.clear(); last = 0; });
}
