/** The verdict, what it rests on, and what to do about it. */
import { callout, type Tone } from '../../page/elements.js';
import { html, type Html, type HtmlValue } from '../../page/html.js';
import { headline, type Diagnosis } from '../diagnosis.js';
import type { RunReport } from '../run-report.js';
import { section } from './section.js';

export function diagnosisSection({ diagnosis, recipe, scores }: RunReport): Html {
  const { bias, variance, overfittedToDev } = diagnosis;
  const findings = [bias, variance, ...(overfittedToDev === null ? [] : [overfittedToDev])];
  return section(
    'Diagnosis',
    callout(
      toneOf(diagnosis),
      html`<p><strong>${headline(diagnosis)}</strong></p>`,
      findings.map(({ words }) => html`<p>${words}</p>`),
    ),
    scores.provisional !== null && html`<p class="muted">${scores.provisional}</p>`,
    recipe.length > 0 && [
      html`<h3>What to try next, best first</h3>`,
      html`<ol>
        ${recipe.map(
          ({ text, set }) =>
            html`<li>
              ${withCode(text)}${set.length > 0 && html`<br /><code>${set.map((one) => `--set ${one}`).join(' ')}</code>`}
            </li>`,
        )}
      </ol>`,
      html`<p class="muted small">One at a time, so that it can be told what helped.</p>`,
    ],
  );
}

function toneOf({ verdict }: Diagnosis): Tone {
  if (verdict === 'neither') return 'good';
  return verdict === 'unknown' ? 'neutral' : 'warn';
}

/** Text with `code` in it. */
function withCode(text: string): readonly HtmlValue[] {
  return text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));
}
