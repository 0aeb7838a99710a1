/** A page in one file: nothing is loaded, so it can be mailed, archived and read without a network. */
import { createHash } from 'node:crypto';
import { html, trusted, type Html } from './html.js';
import { CHART_SCRIPT } from './chart-script.js';
import { COPY_SCRIPT } from './copy-script.js';
import { STYLE } from './style.js';

export interface PageContent {
  /** Of the browser tab. */
  readonly title: string;
  readonly body: Html;
  /** Rules beside those that all pages share. */
  readonly style?: string;
}

/** Byte by byte what the policy of a page names. */
const SCRIPTS = [CHART_SCRIPT, COPY_SCRIPT];

/** The text of the file. Its policy lets a browser run our scripts and nothing else, and load nothing. */
export function renderPage({ title, body, style = '' }: PageContent): string {
  const digests = SCRIPTS.map((script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  const scripts = SCRIPTS.map((script) => trusted(`<script>${script}</script>`));
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src ${digests.join(' ')}`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <style>
          ${trusted(STYLE + style)}
        </style>
      </head>
      <body>
        <main>${body}</main>
        ${scripts}
      </body>
    </html> `.markup;
}
