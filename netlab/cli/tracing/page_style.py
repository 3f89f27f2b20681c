"""The style of the page that `trace --html` writes: light, dark, narrow and printed."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1b1f24; --paper: #fff; --soft: #57606a; --line: #d0d7de; --card: #f6f8fa;
  --client: #0550ae; --server: #8a3c00; --mark: #ffe58a; --bad: #a40e26;
  --t0: #e1effa; --t1: #e1fae5; --t2: #faf4e1; --t3: #fae1ee; --t4: #ebe1fa; --t5: #e1faf8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6edf3; --paper: #0d1117; --soft: #a8b3bf; --line: #3d444d; --card: #161b22;
    --client: #79c0ff; --server: #ffb77c; --mark: #6b5200; --bad: #ff9492;
    --t0: #1c394a; --t1: #1c4a25; --t2: #4a3f1c; --t3: #4a1c34; --t4: #311c4a; --t5: #1c4a46;
  }
}
* { box-sizing: border-box; }
body {
  font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 82rem; margin: 0 auto; padding: 1rem 1rem 11rem;
}
h1 { font-size: 1.5rem; margin: .5rem 0; }
h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; }
a { color: var(--client); }
b { overflow-wrap: anywhere; }
small, .soft { color: var(--soft); }
code, pre, .bytes, .value { font: 13px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--card); padding: .6rem; }
.value { overflow-wrap: anywhere; }
.problem { color: var(--bad); }
.tools button {
  font: inherit; padding: .3rem .8rem; border: 1px solid var(--line); border-radius: 6px;
  background: var(--card); color: var(--ink); cursor: pointer;
}
dl.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .1rem 1rem; }
dl.facts dt { color: var(--soft); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }

.ends { display: flex; justify-content: space-between; font-weight: 600; border-bottom: 2px solid
var(--line); } .ends :first-child { color: var(--client); } .ends :last-child { color: var(--server);
text-align: right; } .ladder { list-style: none; margin: 0; padding: 0; } .ladder > li { border-bottom: 1px
solid var(--line); } .rung {
  display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: .8rem; align-items: baseline;
  padding: .35rem 0;
}
summary.rung { cursor: pointer; list-style: none; }
summary.rung::-webkit-details-marker { display: none; }
details[open] > summary.rung { background: var(--card); }
.time { color: var(--soft); text-align: right; white-space: nowrap; }
.arrow { position: relative; display: block; padding: .1rem 1.6rem .35rem; }
.arrow::before { content: ""; position: absolute; left: 0; right: 0; bottom: 0; border-bottom: 2px solid; }
.arrow::after { content: ""; position: absolute; bottom: -4px; border: 5px solid transparent; }
.client .arrow::before, .client .arrow::after { color: var(--client); }
.server .arrow::before, .server .arrow::after { color: var(--server); }
.client .arrow::after { right: 0; border-left-color: var(--client); border-right-width: 0; }
.server .arrow::after { left: 0; border-right-color: var(--server); border-left-width: 0; }
.server .arrow { text-align: right; }
.unfolded { padding: .5rem 0 1.2rem; }
.panes { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; }
.panes > :first-child:last-child { grid-column: 1 / -1; }
.bytes {
  background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .4rem;
  max-height: 26rem; overflow: auto;
}

.f {
  border-radius: 3px; padding: 0 .2em; color: var(--ink); cursor: pointer;
  -webkit-box-decoration-break: clone; box-decoration-break: clone;
}
.h0 { background: var(--t0); } .h1 { background: var(--t1); } .h2 { background: var(--t2); }
.h3 { background: var(--t3); } .h4 { background: var(--t4); } .h5 { background: var(--t5); }
.f.wrong { text-decoration: underline wavy; }
.f.on, li.on > .field { background: var(--mark); color: var(--ink); }
li.on > .field small, li.on > .field a { color: inherit; }
:focus-visible { outline: 3px solid var(--client); outline-offset: 1px; }
.fields, .fields ul { list-style: none; margin: 0; padding-left: 1rem; border-left: 1px solid var(--line); }
.fields { padding-left: 0; border: 0; font-size: .9rem; }
.field { display: block; padding: 0 .2rem; border-radius: 3px; overflow-wrap: anywhere; }
.field small { display: block; }
.field small[hidden] { display: none; }
.panel {
  position: fixed; left: 0; right: 0; bottom: 0; min-height: 6rem; max-height: 10rem; overflow: auto;
  background: var(--paper); border-top: 3px solid var(--client); padding: .6rem 1rem;
}
.panel p { margin: 0; max-width: 80rem; overflow-wrap: anywhere; }
.panel p:first-child { font-weight: 600; }

.schedule {
  display: grid; grid-template-columns: minmax(0, 1fr); gap: .8rem; list-style: none; padding: 0;
}
.schedule > li { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .6rem; }
.schedule > li.trunk { border-left: 5px solid var(--client); grid-column: 1 / -1; }
.schedule > li.trunk:not(:first-child)::before { content: "\\2193"; display: block; color: var(--soft); }
.schedule h3 { margin: 0; }
.schedule p { margin: .2rem 0; }

@media (min-width: 800px) {
  .panes { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .schedule { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
}
@media (max-width: 600px) {
  .rung { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .time { text-align: left; }
  .fields ul { padding-left: .4rem; }
  dl.facts { grid-template-columns: minmax(0, 1fr); }
}
@media print {
  body { padding: 0; max-width: none; }
  .panel, .tools { display: none; }
  .bytes { max-height: none; }
  .f { border: 1px solid #999; }
}
"""
