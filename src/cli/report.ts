/** `lockstep report`: what a run came to, what is wrong with the model, what to try next; and all of it as a page. */
import pc from 'picocolors';
import { formatCount } from '../common/format.js';
import { renderTable } from '../observe/table.js';
import { headline } from '../report/diagnosis.js';
import { readRun, reportOf, reportRecord, type RunReport } from '../report/run-report.js';
import { scoreTable } from '../report/score-table.js';
import { writeReport } from '../report/write-report.js';
import { shownPath } from './options.js';

export interface ReportFlags {
  readonly output?: string;
  readonly baselineError?: number;
  readonly json?: boolean;
}

/** @throws LockstepError `usage` when there is no run, or no way to write there; `data` when a record is damaged */
export async function report(path: string, flags: ReportFlags): Promise<void> {
  const made = reportOf(await readRun(path), { baselineError: flags.baselineError });
  const page = await writeReport(made, flags.output);
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ ...reportRecord(made), report: page })}\n`
      : `${renderReport(made, page, process.stdout.isTTY && pc.isColorSupported)}\n`,
  );
}

function renderReport(made: RunReport, page: string, colours: boolean): string {
  const colour = pc.createColors(colours);
  const { record, scores, diagnosis, recipe, evaluationMissing } = made;
  const { titles, rows } = scoreTable(made);
  const { bias, variance, overfittedToDev } = diagnosis;
  const words = [bias, variance, ...(overfittedToDev === null ? [] : [overfittedToDev])].map(
    (finding) => finding.words,
  );
  const steps = `${formatCount(record.step)} of ${formatCount(record.steps)} steps`;
  return [
    `${colour.bold(record.job.name)}  ${record.status}, ${steps}  ${colour.dim(shownPath(made.path))}`,
    ...(record.error === undefined ? [] : [`  ${record.error.message}`]),
    ...(rows.length === 0
      ? []
      : [
          '',
          indented(
            renderTable(
              titles.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })),
              rows,
            ),
          ),
        ]),
    ...(scores.provisional === null ? [] : ['', `  ${scores.provisional}`]),
    '',
    `  ${colour.bold(headline(diagnosis))}`,
    ...words.map((text) => `  ${text}`),
    ...(recipe.length === 0 ? [] : ['', `  ${colour.dim('try next, best first')}`]),
    ...recipe.flatMap(({ text, set }) => [
      `    ${text}`,
      ...(set.length === 0 ? [] : [colour.dim(`      ${set.map((one) => `--set ${one}`).join(' ')}`)]),
    ]),
    ...(evaluationMissing === null ? [] : ['', `  ${evaluationMissing}`]),
    '',
    `  ${colour.dim('report')}  ${shownPath(page)}`,
  ].join('\n');
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
