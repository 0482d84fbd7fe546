/** The style sheet of the report as a page: light or dark as the reader's system is, and always light on paper. */
export const qualityStyle = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --raised: #f6f7f8; --ink: #16191d; --soft: #59616b; --rule: #dfe3e8;
  --good: #0b7a6b; --held: #c2570c; --merged: #5a67c9; --warn: #a8420a; --fine: #0b7a6b;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #111418; --raised: #191d23; --ink: #e7eaee; --soft: #9aa4b1; --rule: #2b323b;
    --good: #35c2ab; --held: #f2924b; --merged: #93a0ff; --warn: #f6a56b; --fine: #35c2ab;
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); }
body {
  margin: 0 auto; padding: 3rem 1.5rem 4rem; max-width: 62rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
}
header { border-bottom: 2px solid var(--ink); padding-bottom: 1.25rem; }
h1 { font-size: 2.25rem; line-height: 1.15; letter-spacing: -.02em; margin: 0 0 .35rem; }
h2 { font-size: 1.5rem; letter-spacing: -.01em; margin: 0; }
h3 { font-size: 1rem; margin: 2.25rem 0 .5rem; }
p { margin: 0; }
.soft { color: var(--soft); }
section { margin-top: 3rem; }
section .route { color: var(--soft); font-size: .9rem; }
.lead { font-size: 1.15rem; margin-top: .75rem; max-width: 46rem; text-wrap: balance; }
a { color: inherit; text-decoration-color: var(--soft); text-underline-offset: .2em; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: 1px; margin: 1.5rem 0 0; border: 1px solid var(--rule); border-radius: 6px; overflow: hidden; }
.tiles div { outline: 1px solid var(--rule); padding: .85rem 1rem; }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.65rem; line-height: 1.25; font-weight: 600; font-variant-numeric: tabular-nums; letter-spacing: -.01em; }
.tiles dd.note { font-size: .85rem; font-weight: 400; letter-spacing: 0; color: var(--soft); }
.up { color: var(--fine); } .down { color: var(--warn); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1.75rem 2rem; margin-top: 1.75rem; }
figure { margin: 0; break-inside: avoid; }
figcaption { font-weight: 600; font-size: .95rem; margin-bottom: .25rem; }
figcaption span { font-weight: 400; color: var(--soft); }
svg { display: block; width: 100%; height: auto; overflow: visible; }
.grid { stroke: var(--rule); stroke-width: 1; }
.tick { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
.line { fill: none; stroke: var(--good); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.dot { fill: var(--good); stroke: var(--paper); stroke-width: 1.5; }
.dot.partial { fill: var(--paper); stroke: var(--good); stroke-width: 1.75; }
.before { stroke: var(--soft); stroke-width: 1.25; stroke-dasharray: 2 4; }
.valid { fill: var(--good); } .held { fill: var(--held); } .merged { fill: var(--merged); }
g.partial { opacity: .55; }
.spark { width: 6.25rem; height: 1.5rem; }
figcaption .part { white-space: nowrap; }
.key { display: inline-block; width: .7em; height: .7em; border-radius: 2px; margin: 0 .3em 0 .8em; }
.key.valid { background: var(--good); } .key.held { background: var(--held); } .key.merged { background: var(--merged); }
.key.dash { height: 0; width: 1.4em; border-radius: 0; border-top: 2px dotted var(--soft); vertical-align: middle; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--rule); vertical-align: baseline; }
th { font-weight: 600; color: var(--soft); font-size: .82rem; white-space: nowrap; }
tbody th { color: var(--ink); font-size: inherit; }
tr.rule th { font-weight: 400; padding-left: 1.25rem; min-width: 11rem; overflow-wrap: anywhere; }
th .soft { font-weight: 400; }
th.n, td.n { text-align: right; white-space: nowrap; }
td:last-child, th:last-child { padding-right: 0; }
.bar { display: inline-block; vertical-align: middle; height: .55rem; min-width: 1px; background: var(--held); border-radius: 1px; margin-right: .5rem; }
th.share, td.share { padding-left: 1.75rem; white-space: nowrap; }
td.share { width: 30%; }
tr.zero th, tr.zero td { color: var(--soft); font-weight: 400; }
.calm { padding: .75rem 1rem; background: var(--raised); border-radius: 6px; }
details { margin-top: 1.5rem; }
summary { cursor: pointer; font-weight: 600; }
details table { margin-top: .5rem; }
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--rule); color: var(--soft); font-size: .85rem; max-width: 50rem; }
@page { size: A4; margin: 16mm 15mm; }
@media print {
  html { font-size: 11px; }
  body { padding: 0; max-width: none; font-size: 1rem; }
  section { margin-top: 2rem; }
  section[id] + section[id] { break-before: page; }
  .charts { grid-template-columns: 1fr 1fr; gap: 1rem 2rem; }
  .scroll { overflow: visible; }
  h3, summary { break-after: avoid; }
  h3 { margin-top: 1.75rem; }
  th, td { padding-top: .22rem; padding-bottom: .22rem; }
  tr, .tiles, footer { break-inside: avoid; }
  thead { display: table-header-group; }
  summary { list-style: none; }
  details::details-content { content-visibility: visible; block-size: auto; }
  svg, .bar, .key, .tiles { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`
