// The siege: a card for each server with the live share and wait of its honest clients; then the verdict.

import {Chart} from "./chart.js";
import {el, figures} from "./dom.js";

export default function (stage, live) {
  const verdict = el("ul", {class: "verdict"}), lesson = el("p");
  const judged = el("section", {class: "card", "aria-label": "Verdict", hidden: true}, el("h2", {}, "Verdict"), verdict, lesson);
  const words = el("p"), missing = el("p", {class: "faint"});
  const cards = el("div", {class: "cards"});
  stage.append(words, judged, missing, cards);
  let servers = [];

  function card({name, words}, seconds) {
    const common = {width: 340, height: 150, range: [0, seconds]};
    const box = el("section", {class: "card", "aria-label": name}, el("h2", {}, name), el("p", {class: "faint what"}, words));
    cards.append(box);
    return {
      share: new Chart(box, {...common, title: "Honest clients answered in the last second, in %", top: 100,
        series: {share: "answered"}}),
      wait: new Chart(box, {...common, title: "Their wait in the last second, in ms", top: 10,
        series: {median: "median", worst: "worst"}}),
      set: figures(box),
    };
  }

  live.on("servers", ({all, seconds}) => { cards.replaceChildren(); servers = all.map(each => card(each, seconds)); });
  live.under("course/", (number, points) => {
    for (const [at, share, median, worst] of points) {
      servers[number].share.add("share", at, share);
      servers[number].wait.add("median", at, median);
      servers[number].wait.add("worst", at, worst);
    }
  });
  live.under("figures/", (number, values) => servers[number].set(values));
  live.on("attack", span => { for (const {share, wait} of servers) { share.mark(span, "attack"); wait.mark(span, "attack"); } });
  live.on("verdict", said => { judged.hidden = !said.length; verdict.replaceChildren(...said.map(each => el("li", {}, each))); });
  for (const [key, place] of Object.entries({words, lesson, missing})) live.on(key, text => { place.textContent = text; });
  live.reset(() => { servers = []; cards.replaceChildren(); verdict.replaceChildren(); judged.hidden = true; words.textContent = missing.textContent = ""; });
}
