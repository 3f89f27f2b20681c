// A board's page: the form, the buttons, the status, and the events, which it hands to the board's own module.

import {Live} from "./live.js";

const form = document.getElementById("controls");
const board = form.dataset.board;
const status = document.getElementById("status"), said = document.getElementById("said");
const stop = document.getElementById("stop");
const presses = [...document.querySelectorAll("[data-press]")];
const live = new Live(`events/${board}`);

function values() {
  const found = {};
  for (const each of form.elements) {
    if (!each.name) continue;
    if (each.type === "checkbox") found[each.name] = each.checked;
    else if (each.type === "range") found[each.name] = Number(each.value);
    else found[each.name] = each.value;
  }
  return found;
}

async function order(what, content) {
  try {
    const answer = await fetch(`${board}/${what}`, {
      method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(content)});
    if (!answer.ok) complain(await answer.text());
  } catch (error) {
    complain("The site does not answer: is `netlab live` still running?");
  }
}

function show(state, text) {
  status.dataset.state = state;
  const words = {ready: "Ready.", running: "Running."};
  const whole = text || words[state] || "";
  if (status.textContent !== whole) status.textContent = whole;
}

// What the site says of the experiment: the buttons follow it.
let experiment = {state: "ready", text: ""}, back = 0;
function say(state, text) {
  clearTimeout(back);
  experiment = {state, text};
  show(state, text);
  const running = state === "running";
  stop.disabled = !running;
  for (const each of presses) each.disabled = !running;
}

// An order was refused. An experiment that runs goes on, and can still be stopped.
function complain(text) {
  clearTimeout(back);
  show("failed", text);
  if (experiment.state === "running") back = setTimeout(() => show(experiment.state, experiment.text), 8000);
}

for (const range of form.querySelectorAll("input[type=range]")) {
  const output = range.nextElementSibling;
  const tell = () => { output.textContent = `${Number(range.value).toLocaleString("en")} ${range.dataset.unit}`; };
  range.addEventListener("input", tell);
  tell();
}
form.addEventListener("submit", event => { event.preventDefault(); order("start", values()); });
stop.addEventListener("click", () => order("stop", {}));
for (const each of presses) each.addEventListener("click", () => order("press", {name: each.dataset.press}));

live.on("status", ({state, text}) => say(state, text));
let last = 0, waiting = 0;
live.on("said", sentence => {  // a screen reader hears one sentence a second at most
  clearTimeout(waiting);
  const tell = () => { last = performance.now(); if (said.textContent !== sentence) said.textContent = sentence; };
  waiting = setTimeout(tell, Math.max(0, last + 1000 - performance.now()));
});
live.reset(() => { clearTimeout(waiting); said.textContent = ""; });
live.lost(refused => say("failed", refused
  ? "The site refuses this page its events. Too many of its pages may be open: close one. A site that was started anew has another address."
  : "The connection to the site is lost; the page tries again."));

const module = await import(`./${board}.js`);
const press = (name, value = "") => order("press", {name, value: String(value)});
module.default(document.getElementById("stage"), live, {values, order, press, form});
live.open();
