"""The script of the page that `trace --html` writes: it lights a field and says what it means.

Without it the page still has every byte and every meaning: each record unfolds, and the list of fields
explains.
"""

from __future__ import annotations

SCRIPT = """
const panel = document.getElementById("panel");
const lines = panel.querySelectorAll("p");
let lit = [];
function light(field) {
  for (const each of lit) each.classList.remove("on");
  const row = document.getElementById("i" + field.id.slice(1));
  lit = row ? [field, row] : [field];
  for (const each of lit) each.classList.add("on");
  lines[0].textContent = field.getAttribute("aria-label").split(". ")[0];
  const why = row ? row.querySelector(":scope > .field > .why") : null;
  lines[1].innerHTML = why ? why.innerHTML : "";
  lines[2].textContent = field.dataset.at;
  if (row && row.closest(".bytes")) row.scrollIntoView({ block: "nearest" });
}
function unlight() {
  for (const each of lit) each.classList.remove("on");
  lit = [];
}
for (const kind of ["mouseover", "focusin", "click"]) {
  document.addEventListener(kind, (event) => {
    const field = event.target.closest(".f");
    if (field) light(field);
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") unlight();
  const field = document.activeElement && document.activeElement.closest(".f");
  if (!field || !["ArrowRight", "ArrowLeft", "Home", "End"].includes(event.key)) return;
  const all = [...field.parentElement.querySelectorAll(".f")];
  const at = all.indexOf(field);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (all[to]) { all[to].focus(); event.preventDefault(); }
});
function unfold(open) {
  for (const each of document.querySelectorAll("details")) each.open = open;
}
document.getElementById("unfold").addEventListener("click", () => unfold(true));
document.getElementById("fold").addEventListener("click", () => unfold(false));
addEventListener("beforeprint", () => unfold(true));
"""
