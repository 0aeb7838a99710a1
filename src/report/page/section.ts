import { html, type Html, type HtmlValue } from '../../page/html.js';

/** A part of the page under its title. */
export function section(title: string, ...content: readonly HtmlValue[]): Html {
  return html`<section>
    <h2>${title}</h2>
    ${content}
  </section>`;
}

/** Why something is not there. */
export function absent(words: string): Html {
  return html`<p class="muted">${words}</p>`;
}
