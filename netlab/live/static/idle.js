// 10,000 idle clients: three curves for each server, the limit that ended it, and the planner's table.

import {Chart} from "./chart.js";
import {el, table} from "./dom.js";

const MIB = 1048576;

export default function (stage, live) {
  const note = el("p", {class: "faint"}), first = el("ul", {class: "said"});
  stage.append(note, el("h2", {}, "Which limit ends first"), first);
  const fds = new Chart(stage, {title: "File descriptors of the server", x: "clients", y: ""});
  const uss = new Chart(stage, {title: "Memory of its process (USS)", x: "clients", y: "MiB"});
  const kernel = new Chart(stage, {title: "Memory of the kernel for its sockets", x: "clients", y: "MiB"});
  const limits = table(stage, "The limit that ended each server", ["Server", "Limit"]);
  const planner = el("div");
  stage.append(planner);

  // In this order, so that each server keeps its colour.
  live.on("servers", names => { for (const name of names) for (const each of [fds, uss, kernel]) each.set(name, []); });
  live.on("points", points => {
    for (const [name, clients, files, own, held] of points) {
      if (files != null) fds.add(name, clients, files);
      if (own != null) uss.add(name, clients, own / MIB);
      if (held != null) kernel.add(name, clients, held / MIB);
    }
  });
  live.on("note", text => { note.textContent = text; });
  live.on("first", sentences => first.replaceChildren(...sentences.map(each => el("li", {}, each))));
  live.on("limits", found => limits(Object.entries(found)));
  live.on("plan", rows => plan(planner, rows));
  live.reset(() => { for (const each of [fds, uss, kernel]) each.clear(); limits([]); planner.replaceChildren(); note.textContent = ""; first.replaceChildren(); });
}

// One row for each question, one column for each server. rows: [server, question, answer].
function plan(planner, rows) {
  const names = [...new Set(rows.map(([name]) => name))], questions = [...new Set(rows.map(row => row[1]))];
  planner.replaceChildren();
  table(planner, "Planner, from the measured slopes", ["Question", ...names])(questions.map(question =>
    [question, ...names.map(name => rows.find(row => row[0] === name && row[1] === question)?.[2] ?? "")]));
}
