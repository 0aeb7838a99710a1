/**
 * Shows the values under the pointer. A chart is complete without it: it only reads the figures that `lineChart` has left in the
 * page. It makes elements and text, never markup.
 */
export const CHART_SCRIPT = `
'use strict';
for (const figure of document.querySelectorAll('figure.chart')) {
  const holder = figure.querySelector('script[type="application/json"]');
  if (holder === null) continue;
  const { x, y, xLabel, series } = JSON.parse(holder.textContent);
  const svg = figure.querySelector('svg.plot');
  const cursor = svg.querySelector('.cursor');
  const place = ({ log, domain, range }, value) => {
    const f = log ? Math.log : (v) => v;
    return range[0] + ((f(value) - f(domain[0])) / (f(domain[1]) - f(domain[0]))) * (range[1] - range[0]);
  };
  const shown = (value) => Number.isInteger(value) ? value.toLocaleString('en-US')
    : Math.abs(value) < 0.001 || Math.abs(value) >= 1e5 ? value.toExponential(2) : String(+value.toPrecision(4));
  let tip = null;
  const hide = () => { tip?.remove(); tip = null; cursor.style.visibility = 'hidden'; };
  const line = (text, index) => {
    const row = document.createElement('div');
    if (index !== null) { row.className = 'series-' + index; row.append(document.createElement('i')); }
    row.append(text);
    return row;
  };
  svg.addEventListener('pointerleave', hide);
  svg.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const at = (event.clientX - box.left) * scale;
    let nearest = null;
    for (const { values } of series) for (let i = 0; i < values.length; i += 2) {
      const distance = Math.abs(place(x, values[i]) - at);
      if (nearest === null || distance < nearest.distance) nearest = { distance, value: values[i] };
    }
    if (nearest === null) return;
    const rows = [line(xLabel + ' ' + shown(nearest.value), null)];
    for (const { name, colour, values } of series) {
      let best = null;
      for (let i = 0; i < values.length; i += 2) {
        const distance = Math.abs(place(x, values[i]) - place(x, nearest.value));
        if (best === null || distance < best.distance) best = { distance, value: values[i + 1] };
      }
      // A series that has nothing near says nothing.
      if (best !== null && best.distance <= 8) rows.push(line(name + ' ' + shown(best.value), colour));
    }
    hide();
    const left = place(x, nearest.value);
    cursor.setAttribute('x1', left); cursor.setAttribute('x2', left);
    cursor.style.visibility = 'visible';
    tip = document.createElement('div');
    tip.className = 'tip';
    tip.append(...rows);
    figure.append(tip);
    const offset = box.left - figure.getBoundingClientRect().left + left / scale;
    const room = figure.clientWidth;
    tip.style.left = Math.max(0, offset + 12 + tip.offsetWidth > room ? offset - 12 - tip.offsetWidth : offset + 12) + 'px';
    tip.style.top = (box.top - figure.getBoundingClientRect().top + 8) + 'px';
  });
}
`;
