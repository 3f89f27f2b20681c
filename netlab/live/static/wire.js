// The wire: lanes of connections; a lane that is chosen shows its ladder, its bytes, its descriptor and its memory.

import {el, figures} from "./dom.js";
import {Lanes} from "./lanes.js";
import {Ladder} from "./records.js";

const KINDS = {syn: "SYN, SYN-ACK, ACK", connect: "connected, no byte yet", tls: "TLS handshake", request: "request", response: "response", idle: "idle",
  close: "close", wait: "not read"};

export default function (stage, live, {press}) {
  const tap = el("p", {class: "card change"});
  stage.append(tap);
  const shown = figures(stage);
  const lanes = new Lanes(stage, {title: "Connections: choose one", kinds: KINDS, rows: 40, pick: id => press("pick", id)});
  const box = el("section", {"aria-label": "The chosen connection"}), title = el("h2");
  stage.append(box);
  box.append(title);
  const facts = figures(box), why = el("p"), rungs = el("div");
  box.append(why, rungs);
  box.hidden = true;
  const ladder = new Ladder(rungs);
  let lane = 0, drawn = 0;

  live.on("tap", ({address, server, pid}) => tap.replaceChildren("Point clients of your own at the tap: ",
    el("code", {}, `curl ${address.startsWith("https") ? "-k " : ""}${address}`), ` (the server itself is process ${pid} at ${server}). `
    + "The tap learns of a connection when the kernel has completed SYN, SYN-ACK and ACK: their times are the kernel's."));
  live.on("figures", ({opened, open, requests, fds, uss, processes}) => shown({
    "Connections opened": opened, "Open now": open, "Requests": requests, "Server's descriptors": fds ?? "not shown",
    "Server's own memory (USS)": uss == null ? "not shown" : `${(uss / 2 ** 20).toFixed(1)} MiB`, "Its processes": processes}));
  live.under("lane/", (id, value) => lanes.put(id, value));
  live.on("detail", detail => {
    box.hidden = false;
    title.textContent = `Connection ${detail.lane}`;
    const {held} = detail;
    facts({...detail.agreed, "Requests": detail.requests, "Bytes": detail.bytes,
      "Descriptor in the server": held.fd == null ? "closed" : `${held.fd} of process ${held.pid}`,
      "State of the server's socket": held.state ?? "not connected",
      "Kernel memory of it": held.kernel == null ? "none" : `${held.kernel.toLocaleString("en")} bytes`});
    why.textContent = detail.closed ? `Closed: ${detail.closed}.` : detail.over
      ? "It was open when the experiment ended. Its descriptor, state and memory are of that moment." : "It is open.";
    // Only what is new is drawn: what is unfolded stays so.
    if (lane !== detail.lane) { ladder.clear(); drawn = 0; }
    for (const record of detail.records.slice(Math.max(0, drawn - detail.first))) ladder.record(record);
    lane = detail.lane; drawn = detail.first + detail.records.length;
  });
  live.reset(() => { lanes.clear(); ladder.clear(); box.hidden = true; lane = drawn = 0; tap.replaceChildren(); });
}
