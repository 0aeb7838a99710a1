/** The page of one run. Pure: the same records give the same page. */
import { stringify } from 'yaml';
import { dataTable } from '../../page/elements.js';
import { html, trusted, type Html } from '../../page/html.js';
import { renderPage } from '../../page/page.js';
import type { RunReport } from '../run-report.js';
import { scoreTable } from '../score-table.js';
import { classesSection } from './classes-section.js';
import { clusterSection } from './cluster-section.js';
import { curvesSection } from './curves-section.js';
import { diagnosisSection } from './diagnosis-section.js';
import { header } from './header.js';
import { mistakesSection } from './mistakes-section.js';
import { absent, section } from './section.js';

const STYLE = `
.matrix { font-size: 0.8125rem; border-collapse: separate; border-spacing: 2px; }
.matrix th, .matrix td { padding: 0.2rem 0.4rem; border: 0; text-align: right; border-radius: 3px; max-width: 9rem; overflow: hidden; text-overflow: ellipsis; }
.matrix .none { color: var(--muted); opacity: 0.55; }
.gallery { list-style: none; padding: 0; max-width: none; display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: 1rem; }
.gallery li { margin: 0; display: flex; flex-direction: column; gap: 0.15rem; break-inside: avoid; }
.gallery img { width: 6rem; height: auto; image-rendering: pixelated; border: 1px solid var(--line); border-radius: 4px; }
.row { columns: 13rem; margin: 0.5rem 0; font-size: 0.8125rem; min-width: 14rem; }
.row div { display: flex; justify-content: space-between; gap: 0.75rem; break-inside: avoid; }
.row dt { color: var(--muted); overflow-wrap: anywhere; } .row dd { margin: 0; }
`;

export function reportPage(report: RunReport): string {
  const { record } = report;
  return renderPage({
    title: `${record.job.name}: report`,
    style: STYLE,
    body: html`${header(report)} ${diagnosisSection(report)} ${scoresSection(report)} ${curvesSection(report)}
      ${classesSection(report)} ${mistakesSection(report)} ${clusterSection(report)} ${jobSection(report)}
      <footer>Written by lockstep report. The page loads nothing and sends nothing.</footer>`,
  });
}

function scoresSection(report: RunReport): Html {
  const { titles, rows } = scoreTable(report);
  if (rows.length === 0) return section('Scores', absent('No split was evaluated, and no step was recorded.'));
  return section(
    'Scores',
    dataTable(
      titles.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })),
      rows,
    ),
    report.scores.provisional !== null && absent(report.scores.provisional),
  );
}

function jobSection({ record }: RunReport): Html {
  const { job, jobHash } = record;
  // Without the line breaks and indentation of a template, which a <pre> would show.
  const text = html`${stringify(job)}`;
  return section(
    'Job',
    html`<p class="muted small">
      With every default filled in. Hash of all that decides the result: <code>${jobHash}</code>
    </p>`,
    trusted(`<pre tabindex="0">${text.markup}</pre>`),
  );
}
