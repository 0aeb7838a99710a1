/** Puts the text of an element on the clipboard. Without a script the button is not there, and the text can be selected by hand. */
import { html, type Html } from './html.js';

export const COPY_SCRIPT = `
'use strict';
for (const button of document.querySelectorAll('button[data-copy]')) {
  const source = document.getElementById(button.dataset.copy);
  if (source === null) continue;
  button.hidden = false;
  button.addEventListener('click', async () => {
    let done = true;
    try { await navigator.clipboard.writeText(source.textContent); }
    catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      done = document.execCommand('copy');
    }
    const label = button.textContent;
    button.textContent = done ? 'Copied' : 'Selected: press Ctrl+C';
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}
`;

/** A text to be copied, with a button that does it. @param id unique in the page */
export function copyable(id: string, text: string, label = 'Copy'): Html {
  return html`<div class="copyable">
    <button type="button" data-copy="${id}" hidden>${label}</button>
    <pre id="${id}">${text}</pre>
  </div>`;
}
