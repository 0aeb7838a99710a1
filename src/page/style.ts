/** The style sheet of every page. Colours are variables, so that a reader's dark mode reaches charts as well as text. */

/** How many colours series of a chart are told apart by. */
export const SERIES_COLOURS = 8;

const LIGHT = `
  --background: #fbfbfa; --surface: #ffffff; --text: #1d2025; --muted: #59606a; --line: #dcdfe3; --grid: #e9ebee;
  --accent: #2257c4; --good: #17724a; --warn: #8f5606; --bad: #b3261e;
  --good-surface: #e9f5ee; --warn-surface: #fdf3e1; --bad-surface: #fcebea;
  --heat-right: 34, 87, 196; --heat-wrong: 200, 70, 10;
  --series-0: #2257c4; --series-1: #c8560a; --series-2: #17804f; --series-3: #a62b68;
  --series-4: #6f4bc0; --series-5: #0a7f93; --series-6: #86650a; --series-7: #59606a;`;

const DARK = `
  --background: #14161a; --surface: #1b1e23; --text: #e8eaed; --muted: #a3abb6; --line: #343a42; --grid: #2a2f36;
  --accent: #8ab0ff; --good: #6fd3a3; --warn: #f0bd6a; --bad: #ff9c94;
  --good-surface: #16291f; --warn-surface: #2d2414; --bad-surface: #331b1a;
  --heat-right: 90, 140, 255; --heat-wrong: 240, 120, 50;
  --series-0: #8ab0ff; --series-1: #ffa563; --series-2: #62d19b; --series-3: #f58ab9;
  --series-4: #bb9dff; --series-5: #58cfe3; --series-6: #dcbb55; --series-7: #a3abb6;`;

const series = Array.from({ length: SERIES_COLOURS }, (_, i) => `.series-${i} { --colour: var(--series-${i}); }`).join(
  '\n',
);

export const STYLE = `
:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
@media print { :root { color-scheme: light; ${LIGHT} --background: #ffffff; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--background); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 64rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
header { border-bottom: 1px solid var(--line); margin-bottom: 1.5rem; padding-bottom: 1rem; }
footer { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 1rem; color: var(--muted); font-size: 0.875rem; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; margin: 0 0 0.25rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 0.5rem; }
p, ul, ol { margin: 0.5rem 0; max-width: 46rem; overflow-wrap: anywhere; }
ul, ol { padding-left: 1.25rem; }
li { margin: 0.3rem 0; }
a { color: var(--accent); }
code, pre { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { overflow-wrap: anywhere; }
pre { background: var(--surface); border: 1px solid var(--line); border-radius: 6px; padding: 0.75rem 1rem; overflow-x: auto; margin: 0.5rem 0; }
button { font: inherit; font-size: 0.875rem; color: var(--accent); background: var(--surface); border: 1px solid var(--line); border-radius: 6px; padding: 0.25rem 0.75rem; cursor: pointer; min-height: 2.25rem; }
button:hover { border-color: var(--accent); }
.copyable button { margin-top: 0.5rem; }
.muted { color: var(--muted); }
.small { font-size: 0.875rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 8.5rem), 1fr)); gap: 0.75rem 1.5rem; margin: 1rem 0 0; }
.facts > div { min-width: 0; }
.facts dt { color: var(--muted); font-size: 0.8125rem; }
.facts dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.badge { display: inline-block; border-radius: 999px; padding: 0.05rem 0.6rem; font-size: 0.8125rem; border: 1px solid currentColor; color: var(--muted); vertical-align: middle; }
.badge.good { color: var(--good); } .badge.warn { color: var(--warn); } .badge.bad { color: var(--bad); }
.callout { border-left: 4px solid var(--muted); background: var(--surface); border-radius: 0 6px 6px 0; padding: 0.75rem 1rem; margin: 0.75rem 0; }
.callout > :first-child { margin-top: 0; } .callout > p:first-child { font-size: 1.0625rem; } .callout > :last-child { margin-bottom: 0; }
.callout.good { border-color: var(--good); background: var(--good-surface); }
.callout.warn { border-color: var(--warn); background: var(--warn-surface); }
.callout.bad { border-color: var(--bad); background: var(--bad-surface); }
.scroll { overflow-x: auto; margin: 0.75rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9375rem; }
caption { text-align: left; color: var(--muted); font-size: 0.875rem; padding-bottom: 0.4rem; }
th, td { padding: 0.3rem 1rem 0.3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--muted); font-size: 0.8125rem; white-space: nowrap; }
tbody th { color: var(--text); font-size: inherit; }
.right { text-align: right; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 1.25rem 1.5rem; }
figure { margin: 0; min-width: 0; break-inside: avoid; }
figcaption { font-weight: 600; font-size: 0.9375rem; }
figcaption .muted { font-weight: 400; }
.chart { position: relative; max-width: 38rem; }
.chart svg { display: block; width: 100%; height: auto; touch-action: pan-y; }
.chart text { fill: var(--muted); font-size: 12px; font-family: inherit; }
.chart .grid { stroke: var(--grid); stroke-width: 1; }
.chart .axis { stroke: var(--line); stroke-width: 1; }
.chart .cursor { stroke: var(--muted); stroke-width: 1; stroke-dasharray: 3 3; visibility: hidden; }
.chart path { fill: none; stroke: var(--colour); stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; }
.chart path.thin { stroke-width: 1; opacity: 0.4; }
.chart path.bold { stroke-width: 2.5; }
.chart circle { fill: var(--colour); }
.chart circle.emphasis { stroke: var(--text); stroke-width: 1.5; }
.legend { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; list-style: none; padding: 0; margin: 0.15rem 0 0.25rem; font-size: 0.8125rem; color: var(--muted); }
.legend li { margin: 0; display: flex; align-items: center; gap: 0.4rem; min-width: 0; overflow-wrap: anywhere; }
.legend svg { width: 1.25rem; height: 0.6rem; flex: none; }
.legend path { stroke: var(--colour); fill: none; }
.legend circle { fill: var(--colour); }
.tip { position: absolute; top: 0; left: 0; pointer-events: none; background: var(--surface); color: var(--text); border: 1px solid var(--line); border-radius: 6px; padding: 0.3rem 0.5rem; font-size: 0.75rem; line-height: 1.4; font-variant-numeric: tabular-nums; box-shadow: 0 2px 8px rgba(0, 0, 0, 0.2); max-width: 60%; z-index: 1; }
.tip i { display: inline-block; width: 0.55rem; height: 0.55rem; border-radius: 50%; background: var(--colour); margin-right: 0.35rem; }
${series}
@media print {
  main { max-width: none; padding: 0; }
  body { font-size: 11pt; }
  h2, h3 { break-after: avoid; }
  .callout, tr { break-inside: avoid; }
  .scroll, pre { overflow: visible; }
  pre { white-space: pre-wrap; }
}
`;
