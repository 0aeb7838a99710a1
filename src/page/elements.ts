/** Parts that pages are put together from. */
import { html, type Html, type HtmlValue } from './html.js';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** A table that scrolls sideways by itself where a screen is too narrow for it. */
export function dataTable(
  columns: readonly Column[],
  rows: readonly (readonly HtmlValue[])[],
  { caption }: { readonly caption?: string } = {},
): Html {
  const aligned = (index: number): Html | false => columns[index]?.align === 'right' && html`class="right"`;
  return html`<div class="scroll" tabindex="0">
    <table>
      ${
        caption !== undefined &&
        html`<caption>
          ${caption}
        </caption>`
      }
      <thead>
        <tr>
          ${columns.map(({ title }, i) => html`<th scope="col" ${aligned(i)}>${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell, i) => html`<td ${aligned(i)}>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Names and values, side by side as far as there is room. */
export function facts(entries: readonly (readonly [name: string, value: HtmlValue])[]): Html {
  return html`<dl class="facts">
    ${entries.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

export type Tone = 'good' | 'warn' | 'bad' | 'neutral';

export function badge(text: string, tone: Tone): Html {
  return html`<span class="badge ${tone}">${text}</span>`;
}

export function callout(tone: Tone, ...content: readonly HtmlValue[]): Html {
  return html`<div class="callout ${tone}">${content}</div>`;
}

/** Charts side by side as far as there is room. */
export function chartGrid(charts: readonly Html[]): Html {
  return html`<div class="charts">${charts}</div>`;
}
