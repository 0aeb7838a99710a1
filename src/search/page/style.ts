/** Rules for the page of a search beside those of every page. */

/** Shades from the best trial to the worst. */
export const SHADES = 8;

const shades = Array.from({ length: SHADES }, (_, shade) => {
  const share = Math.round(100 - (100 * shade) / (SHADES - 1));
  const colour = `color-mix(in oklab, var(--accent) ${share}%, var(--worst))`;
  return `.shade-${shade} { stroke: ${colour}; fill: ${colour}; --weight: ${(2 - shade / SHADES).toFixed(2)}; }`;
});

export const SEARCH_STYLE = `
:root { --worst: #d9c9a8; }
@media (prefers-color-scheme: dark) { :root { --worst: #5a4a35; } }
.parallel { display: block; width: 100%; height: auto; }
.parallel path { fill: none; stroke-width: var(--weight, 1.5); stroke-linejoin: round; opacity: 0.85; }
.parallel path.best { stroke: var(--series-1); stroke-width: 3; opacity: 1; }
.parallel path:hover { stroke-width: 4; opacity: 1; }
.parallel .axis, .parallel .tick { stroke: var(--muted); stroke-width: 1; }
.parallel text { fill: var(--text); font-size: 11px; paint-order: stroke; stroke: var(--background); stroke-width: 3px; stroke-linejoin: round; }
.parallel .name { font-weight: 600; }
.shades { display: flex; align-items: center; gap: 0.5rem; }
.shades rect { stroke: none; }
.bar { display: inline-block; width: 9rem; max-width: 30vw; height: 0.6rem; background: var(--grid); border-radius: 3px; overflow: hidden; vertical-align: middle; }
.bar i { display: block; height: 100%; background: var(--accent); }
${shades.join('\n')}
`;
