// The n-th message of a board's hour, as the board sends them, with every figure, lane and row another; and a
// source that gives the page one after the other. Used by test_live_hour.py.

const record = n => ({side: "client", time: n, what: `record ${n}`, size: 99, sealed: false, key: "", reason: "",
  panes: [{title: "On the wire", fields: []}], http: []});

const MAKERS = {
  wire: n => ({show: {[`lane/${1 + (n >> 4)}`]: {label: `${n >> 4}: port ${n}`, note: `${n} requests`,
    spans: Array.from({length: 1 + n % 16}, (_, k) => [n + k, n + k + 1, "request", `GET /${n}`])},
    figures: {opened: n, open: 3, requests: n, fds: 9, uss: n, processes: 1},
    said: `${n} connections so far`,
    detail: {lane: 1 + (n >> 12), held: {fd: 7, pid: 1, state: "ESTABLISHED", kernel: 0}, agreed: {}, requests: n,
      bytes: n, closed: "", first: Math.max(0, n - 60), records: Array.from({length: 60}, (_, k) => record(n + k))}},
    add: {}}),
  cors: n => ({show: {heard: [{method: "GET", target: `/${n}`, status: 200, fields: [["origin", "null"]]}],
    told: {steps: Array.from({length: 12}, (_, k) => ["browser", "Fetch", `question ${n} ${k}`, "outcome", true]),
      readable: true, handled: true, preflight: false, error: "", change: `methods ${n}`, settings: {}}}, add: {}}),
  handshake: n => ({show: {[`connection/${1 + n % 2}`]: {Version: "TLS 1.3", Records: n, Time: `${n} ms`}},
    add: {records: [{connection: 1 + (n >> 5) % 2, ...record(n)}]}}),
  pool: n => ({show: {figures: {"Requests in the queue": n}, said: `${n} wait`},
    add: {course: [[n / 10, n % 9, 8, n % 3, 0]], steps: ["connecting", "in use", "idle", "closed"].map((state, k) =>
      [n / 10 + k / 50, n, state, k === 3 ? "idle too long" : ""])}}),
  speed: n => ({show: {figures: {"New to kept": `${n} times`}}, add: {points: [["kept", n % 20, n, n]],
    rows: [{way: n % 2 ? "kept" : "new", number: n, reused: true, spans: [[n, n + 1, "request", "first byte"]]}]}}),
  idle: n => ({show: {note: `${n}`, first: [`netlab: ${n}`], plan: [["netlab", "One client", `${n} KiB`]]},
    add: {points: ["netlab", "asyncio", "uvicorn", "nginx"].map(name => [name, n, n, n * 100, n * 10])}}),
  river: n => ({show: {figures: {Flowed: `${n} GB`}, said: `${n} GB have flowed`},
    add: {course: [[n / 10, n % 7, n % 5, n % 3]]}}),
  siege: n => ({show: {...n % 600 ? {} : {servers: {seconds: 60, all: ["netlab", "your loop", "uvicorn"].map(name =>
    ({name, words: `${name} of siege ${n / 600}`}))}}, words: `attack ${n}`, lesson: `lesson ${n}`, missing: `${n}`,
    attack: [n % 600 / 20, n % 2 ? null : n % 600 / 10], verdict: n % 600 < 590 ? [] : [`netlab survived ${n}`],
    said: `${n} answered`, ...Object.fromEntries([0, 1, 2].map(k => [`figures/${k}`, {"Hostile connections now": n}]))},
    add: Object.fromEntries([0, 1, 2].map(k => [`course/${k}`, [[n % 600 / 10, n % 100, n % 9, n % 99]]]))}),
};

window.EventSource = class {
  constructor() { window.feed = message => this.onmessage({data: JSON.stringify(message)}); }
  close() {}
};

window.hour = async ([board, from, to]) => {
  while (!window.feed) await new Promise(requestAnimationFrame);  // the page's script is still being loaded
  for (let n = from; n < to; n++) {
    window.feed(MAKERS[board](n));
    if (n % 50 === 0) await new Promise(requestAnimationFrame);
  }
  await new Promise(done => setTimeout(done, 1500));  // the sentence for screen readers comes once a second
};
