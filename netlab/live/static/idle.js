// 10,000 idle clients: three curves for each server, the limit that ended it, and the planner's table.

import {Chart, NARROW} from "./chart.js";
import {el, table} from "./dom.js";

const MIB = 1048576;

export default function (stage, live) {
  const note = el("p", {class: "faint"}), first = el("ul", {class: "said"});
  stage.append(note, el("h2", {}, "Which limit ends first"), first);
  const fds = new Chart(stage, {title: "File descriptors of the server", x: "clients", y: ""});
  const uss = new Chart(stage, {title: "Memory of its process (USS)", x: "clients", y: "MiB"});
  const kernel = new Chart(stage, {title: "Memory of the kernel for its sockets", x: "clients", y: "MiB"});
  const limits = table(stage, "The limit that ended each server", ["Server", "Limit"]);
  const place = el("div"), plan = planner(place);
  stage.append(place);

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
  live.on("plan", plan);
  live.reset(() => { for (const each of [fds, uss, kernel]) each.clear(); limits([]); plan([]); note.textContent = ""; first.replaceChildren(); });
}

// One row for each question, one column for each server. On a phone a table for each server: the columns would not
// fit. Returns a function of the rows: [server, question, answer].
function planner(parent) {
  const title = "Planner, from the measured slopes";
  let tables = [], known = "";
  return rows => {
    const names = [...new Set(rows.map(([name]) => name))], questions = [...new Set(rows.map(row => row[1]))];
    if (names.join() !== known) {  // else the tables stay, and with them what is focused
      known = names.join();
      parent.replaceChildren();
      tables = (NARROW ? names.map(name => [name]) : names.length ? [names] : []).map(some => [some, NARROW
        ? table(parent, `${title}: ${some}`, ["Question", "Answer"]) : table(parent, title, ["Question", ...some])]);
    }
    for (const [some, set] of tables) set(questions.map(question =>
      [question, ...some.map(name => rows.find(row => row[0] === name && row[1] === question)?.[2] ?? "")]));
  };
}
