// Elements from script. Text is always text: nothing here takes HTML.

const SVG = "http://www.w3.org/2000/svg";

// el("p", {class: "x"}, "text", child): an element.
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

// The same for SVG.
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key.replace(/^on/, ""), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, String(value));
  }
  element.append(...children.filter(child => child != null));
  return element;
}

// A list of figures with their names: the returned function sets them, {name: text}.
export function figures(parent) {
  const list = el("dl", {class: "figures"});
  parent.append(list);
  const shown = new Map();
  return values => {
    for (const [name, given] of Object.entries(values)) {
      const text = typeof given === "number" ? given.toLocaleString("en") : String(given);
      if (!shown.has(name)) {
        const value = el("dd");
        list.append(el("div", {}, el("dt", {}, name), value));
        shown.set(name, value);
      }
      const value = shown.get(name);
      if (value.textContent !== text) value.textContent = text;
      value.parentElement.classList.toggle("long", text.length > 16);
    }
  };
}

// A table with these heads: the returned function replaces its rows.
export function table(parent, caption, heads) {
  const body = el("tbody");
  parent.append(el("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": caption},
    el("table", {}, el("caption", {}, caption),
      el("thead", {}, el("tr", {}, ...heads.map(head => el("th", {scope: "col"}, head)))), body)));
  return rows => body.replaceChildren(...rows.map(cells =>
    el("tr", {}, ...cells.map((cell, n) => n ? el("td", {}, cell) : el("th", {scope: "row"}, cell)))));
}

// Calls draw in the next frame, once, however often it is asked.
export function onceAFrame(draw) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; draw(); });
  };
}
