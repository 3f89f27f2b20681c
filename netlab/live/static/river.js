// The river: the server's memory, the kernel's buffers and the reader's window over time.

import {Chart} from "./chart.js";
import {figures} from "./dom.js";

export default function (stage, live) {
  const set = figures(stage);
  const memory = new Chart(stage, {title: "The server's memory above its start (USS)", x: "s", y: "MiB", top: 8,
    series: {memory: "server's memory"}});
  const kernel = new Chart(stage, {title: "The kernel's part", x: "s", y: "MiB",
    series: {kernel: "held for the server's socket", window: "window that the reader offers"}});

  live.on("course", points => {
    for (const [at, own, held, window] of points) {
      memory.add("memory", at, own);
      kernel.add("kernel", at, held);
      kernel.add("window", at, window);
    }
  });
  live.on("figures", set);
  live.on("unplugged", ({ms, made}) => set({"Unplugged: producer closed after": `${ms.toFixed(1)} ms`,
    "Unplugged: pieces made until then": `${Math.round(made / 1048576).toLocaleString("en")}, 1 MiB each`}));
  live.reset(() => { memory.clear(); kernel.clear(); });
}
