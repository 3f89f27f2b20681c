// Events of a board over one connection: an EventSource, whose messages are handed out by key.

const AGAIN = 3000;  // milliseconds until a page that was refused asks again

export class Live {
  #url; #keys = new Map(); #prefixes = []; #resets = []; #losses = []; #source = null;

  constructor(url) { this.#url = url; }

  // The value of a key that is shown, or the array of new items of a list.
  on(key, hear) { this.#keys.set(key, [...(this.#keys.get(key) ?? []), hear]); }

  // Every key that begins so: hear(rest of the key, value).
  under(prefix, hear) { this.#prefixes.push([prefix, hear]); }

  // A new experiment, or a new connection: everything comes again.
  reset(hear) { this.#resets.push(hear); }

  // hear(refused): the connection has ended, or (true) the site refuses one.
  lost(hear) { this.#losses.push(hear); }

  open() {
    this.#listen();
    addEventListener("pagehide", () => this.#source.close());
    addEventListener("pageshow", event => { if (event.persisted) location.reload(); });
  }

  // A browser asks again by itself when a connection has ended, but not when it was refused.
  #listen() {
    const source = this.#source = new EventSource(this.#url);
    source.onmessage = event => this.#take(JSON.parse(event.data));
    source.onerror = () => {
      const refused = source.readyState === 2;
      if (refused) setTimeout(() => this.#listen(), AGAIN);
      this.#losses.forEach(hear => hear(refused));
    };
  }

  #take({whole, show, add}) {
    if (whole) this.#resets.forEach(hear => hear());
    for (const [key, value] of Object.entries(show)) this.#tell(key, value);
    for (const [key, items] of Object.entries(add)) this.#tell(key, items);
  }

  #tell(key, value) {
    for (const hear of this.#keys.get(key) ?? []) hear(value);
    for (const [prefix, hear] of this.#prefixes)
      if (key.startsWith(prefix)) hear(key.slice(prefix.length), value);
  }
}
