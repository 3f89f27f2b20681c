// The border guard: sends the request from the chosen page, and shows what script, API and model say of it.

import {ask} from "./asks.js";
import {el, table} from "./dom.js";

const EXAMPLES = {
  "read the items": {page: "ours", method: "GET", headers: "", credentials: "same-origin", mode: "cors"},
  "a stranger reads them": {page: "stranger", method: "GET", headers: "", credentials: "same-origin", mode: "cors"},
  "PUT, JSON with a token": {page: "ours", method: "PUT", headers: "Content-Type: application/json\nAuthorization: Bearer abc",
    credentials: "same-origin", mode: "cors"},
  "DELETE": {page: "ours", method: "DELETE", headers: "", credentials: "same-origin", mode: "cors"},
  "a stranger's form post": {page: "stranger", method: "POST", headers: "Content-Type: text/plain", credentials: "include", mode: "no-cors"},
  "with cookies": {page: "ours", method: "GET", headers: "", credentials: "include", mode: "cors"},
};

export default function (stage, live, page) {
  const {form} = page;
  let mine = false, frame = null;
  form.addEventListener("submit", () => { mine = true; });

  const examples = el("p", {class: "buttons"}, el("span", {class: "faint"}, "Examples: "),
    ...Object.entries(EXAMPLES).map(([name, values]) => el("button", {type: "button", "data-example": name, click: () => fillForm(values)}, name)));
  form.before(examples);

  const script = card("The script on the page"), api = card("The API saw"), guard = card("The browser's verdict, by the model");
  stage.append(el("div", {class: "cards"}, script.box, guard.box, api.box));
  const change = el("div", {class: "card change"});
  stage.append(change);
  const rows = table(stage, "Step by step", ["Passed", "Side", "Question", "Outcome"]);

  function fillForm(values) {
    for (const [name, value] of Object.entries(values)) {
      const control = form.elements[name];
      if (!control) continue;
      if (control.type === "checkbox") control.checked = Boolean(value);
      else control.value = value ?? "";
      control.dispatchEvent(new Event("input"));
    }
  }

  async function send({page: who, origin, url, init}) {
    const mineNow = mine;
    mine = false;
    script.set("", `${init.method} from ${origin} …`);
    if (!mineNow) { script.set("", `${init.method} from ${origin}: another window has sent it.`); return; }
    const answer = who === "ours" ? await ask(url, init) : await asked(who, url, init);
    const opaque = answer.type === "opaque", reads = !answer.error && !opaque;
    const big = reads ? `reads: ${answer.status}` : opaque ? "opaque response" : "reads nothing";
    script.set(reads ? "good" : "bad", big, reads
      ? `${answer.text || "(no content)"}\n${answer.headers.map(([name, value]) => `${name}: ${value}`).join("\n")}`
      : opaque ? "The response is there, and tells the script nothing." : `${answer.error}. A script is not told the reason.`);
    await page.press("sent", big.slice(0, 100));
  }

  // The request of another page is sent by a real page of that origin, in a frame.
  async function asked(who, url, init) {
    frame?.remove();
    frame = el("iframe", {title: "A page of another origin", class: "hidden", tabindex: -1, "aria-hidden": "true"});
    if (who === "sandboxed") frame.sandbox = "allow-scripts";
    frame.src = `${strangers}/`;
    const heard = new AbortController();  // without it each request would leave a listener behind
    const ready = new Promise((done, failed) => {
      addEventListener("message", ({data, source}) => { if (source === frame.contentWindow && data === "netlab frame ready") done(); },
        {signal: heard.signal});
      setTimeout(() => failed(new Error(`the frame of ${strangers} did not open`)), 4000);
    });
    document.body.append(frame);
    try { await ready; } catch (error) { return {error: error.message}; } finally { heard.abort(); }
    const channel = new MessageChannel();
    frame.contentWindow.postMessage({url, init}, "*", [channel.port2]);
    return new Promise(done => { channel.port1.onmessage = event => done(event.data); });
  }

  let strangers = "";
  live.on("stranger", origin => { strangers = origin; });
  live.on("send", send);
  live.on("heard", list => api.set("", list.length ? "" : "nothing", list.map(({method, status, fields}) =>
    `${method} → ${status}${fields.some(([name]) => name.startsWith("access-control-request")) && method === "OPTIONS" ? "  (preflight)" : "  the handler ran"}\n`
    + fields.map(([name, value]) => `    ${name}: ${value}\n`).join("")).join("")));
  live.on("told", told => {
    guard.set(told.readable ? "good" : "bad", told.readable ? "readable" : told.error || "not readable",
      `${told.preflight ? "The browser sends a preflight first. " : "No preflight. "}`
      + (told.handled ? "The handler runs." : "The handler never runs."));
    rows(told.steps.map(([side, section, question, outcome, passed]) => [
      el("span", {class: passed ? "good" : "bad"}, passed ? "✓ yes" : "✗ no"), side,
      el("span", {}, question, " ", el("span", {class: "faint"}, section)), el("span", {class: passed ? "" : "bad"}, outcome)]));
    change.replaceChildren(...(told.change
      ? ["The first change of the policy that helps: ", el("code", {}, told.change), " ",
        el("button", {type: "button", class: "apply", click: () => fillForm(renamed(told.settings))}, "Put it into the form")]
      : [told.readable ? "Nothing to change: the policy lets this page read the answer."
        : "No change of the policy helps: the page asked for a response that it cannot read."]));
  });
  live.reset(() => { for (const each of [script, api, guard]) each.set("", ""); rows([]); change.replaceChildren(); });

  function renamed(settings) {
    const {credentials, ...others} = settings;
    return credentials === undefined ? others : {...others, allow_credentials: credentials};
  }
}

function card(title) {
  const big = el("div", {class: "big"}), note = el("pre", {class: "faint"});
  return {
    box: el("div", {class: "card"}, el("h2", {}, title), big, note),
    set(kind, text, more = "") { big.className = `big ${kind}`; big.textContent = text; note.textContent = more; },
  };
}
