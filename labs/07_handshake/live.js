
// The live part: a button makes a connection. Each line of the answer holds rungs of the ladder, as HTML.
const ladder = document.getElementById("ladder");
const derived = document.getElementById("schedule");
const state = document.getElementById("state");
const buttons = [...document.querySelectorAll("[data-kind]")];

function show(line) {
  const said = JSON.parse(line);
  for (const rung of said.rungs) ladder.insertAdjacentHTML("beforeend", rung);
  if (said.schedule) derived.innerHTML = said.schedule;
  if (said.problem) throw new Error(said.problem);
}

async function connect(kind, name) {
  for (const button of buttons) button.disabled = true;
  ladder.replaceChildren();
  derived.replaceChildren();
  state.textContent = name + " …";
  try {
    const answer = await fetch("/connect/" + kind, { method: "POST" });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) show(line);
      state.textContent = name + ": " + ladder.children.length + " records so far";
    }
    state.textContent = name + ": done, " + ladder.children.length + " records; the key schedule stands below";
  } catch (error) {
    state.textContent = error instanceof TypeError ? "No answer: is make serve-07 still running?" : error.message;
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

for (const button of buttons) {
  button.addEventListener("click", () => connect(button.dataset.kind, button.textContent));
}
