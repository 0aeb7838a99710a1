/** Markup in which nothing can be forgotten to be escaped: text becomes markup only through `html`. */

/** Markup that goes into a page as it is. */
export class Html {
  constructor(readonly markup: string) {}

  toString(): string {
    return this.markup;
  }
}

/** What a place in an `html` template may hold; null, undefined and false leave it empty. */
export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for an element or for an attribute in quotes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/**
 * A template for markup, HTML or SVG: what is inserted is escaped, unless it is {@link Html} itself. Places belong into
 * elements and into attributes in quotes, not into `<script>` or `<style>`.
 */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(parts.map((part, i) => part + (i < values.length ? markupOf(values[i]) : '')).join(''));
}

/** Text of our own that is markup already, such as a style sheet. Never for anything that comes from a user. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

/** A value for scripts of the page to read, in a form in which no text can end the element. */
export function jsonElement(value: unknown): Html {
  const json = JSON.stringify(value).replaceAll('<', String.raw`\u003c`);
  return new Html(`<script type="application/json">${json}</script>`);
}

function markupOf(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.markup;
  if (typeof value === 'object') return value.map(markupOf).join('');
  return escapeHtml(String(value));
}
