// The ladder of a conversation: records that unfold into their bytes, each field with its meaning.

import {el} from "./dom.js";

const RUNGS = 120;

export class Ladder {
  #list; #panel;

  constructor(parent) {
    this.#list = el("ol", {class: "ladder"});
    parent.append(this.#list);
  }

  clear() { this.#list.replaceChildren(); }

  // A line between the rungs.
  note(text) { this.#list.append(el("li", {class: "between"}, text)); this.#bound(); }

  // One record, as netlab.live.annotated makes it.
  record({side, time, what, size, sealed, key, reason, panes, http}) {
    const arrow = side === "client" ? "client →" : "← server";
    const lock = !sealed ? "in clear text" : reason ? "encrypted, not read" : "encrypted, opened";
    const body = el("div", {class: "unfolded"});
    const details = el("details", {class: `rung ${side} arrive`},
      el("summary", {},
        el("span", {class: "time"}, `${time.toFixed(1)} ms`), el("b", {class: "way"}, arrow),
        el("span", {}, what), el("span", {class: "faint"}, `${size.toLocaleString("en")} bytes, ${lock}`)), body);
    details.addEventListener("toggle", () => {
      if (!details.open || body.childElementCount) return;  // the bytes are drawn when they are asked for
      if (reason) body.append(el("p", {class: "bad"}, `Not decrypted: ${reason}.`));
      else if (key) body.append(el("p", {}, "Opened with ", el("code", {}, key), "."));
      for (const pane of panes) body.append(unfolded(pane));
      if (http.length) body.append(el("h3", {}, "HTTP/1.1"), el("pre", {}, http.join("\n")));
    });
    this.#list.append(el("li", {}, details));
    this.#bound();
  }

  #bound() { while (this.#list.childElementCount > RUNGS) this.#list.firstElementChild.remove(); }
}

// The bytes as buttons, and what the chosen one means.
function unfolded({title, fields}) {
  const panel = el("p", {class: "meaning", role: "status"}, "Choose a field: its meaning stands here.");
  const leaves = fields.filter(field => field.hex !== undefined);
  const buttons = leaves.map((field, n) => {
    const rest = field.size - (field.hex.length + 1) / 3;
    const button = el("button", {type: "button", class: `f h${n % 6}${field.problem ? " wrong" : ""}`,
      tabindex: n ? -1 : 0, "aria-label": `${field.name}: ${field.text || `${field.size} bytes`}`},
      field.hex + (rest > 0 ? ` … ${rest} more` : ""));
    const tell = () => {
      for (const each of buttons) { each.classList.toggle("on", each === button); each.tabIndex = each === button ? 0 : -1; }
      panel.replaceChildren(el("b", {}, field.name), field.text ? `: ${field.text}. ` : ". ",
        field.why ? `${field.why.replace(/\.$/, "")} (${field.section}). ` : "", field.problem ? el("b", {class: "bad"}, field.problem) : "",
        el("span", {class: "faint"}, field.size === 1 ? `byte ${field.start}` : `bytes ${field.start} to ${field.start + field.size - 1}`));
    };
    button.addEventListener("click", tell);
    button.addEventListener("focus", tell);
    button.addEventListener("mouseenter", tell);
    return button;
  });
  const box = el("div", {class: "bytes", role: "group", "aria-label": `${title}: arrow keys move between the fields`}, ...buttons);
  box.addEventListener("keydown", event => {
    const at = buttons.indexOf(document.activeElement);
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1}[event.key];
    if (at >= 0 && buttons[to]) { buttons[to].focus(); event.preventDefault(); }
  });
  return el("section", {class: "pane"}, el("h3", {}, title), box, panel);
}
