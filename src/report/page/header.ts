/** What was trained, and how it ended. */
import { formatCount, formatDuration, formatPlural, formatRate } from '../../common/format.js';
import { badge, callout, facts, type Tone } from '../../page/elements.js';
import { html, type Html } from '../../page/html.js';
import type { BestRecord, RunStatus } from '../../state/run-record.js';
import type { RunReport } from '../run-report.js';

const TONES: Readonly<Record<RunStatus, Tone>> = { done: 'good', running: 'neutral', stopped: 'warn', failed: 'bad' };

export function header({ record, metrics, path }: RunReport): Html {
  const {
    job,
    status,
    step,
    steps,
    epoch,
    backend,
    workers,
    seed,
    startedAt,
    finishedAt,
    weightsSha256,
    version,
    error,
    best,
  } = record;
  const elapsedMs = finishedAt === null ? null : Date.parse(finishedAt) - Date.parse(startedAt);
  const speed = metrics.findLast(({ evaluation }) => evaluation !== true)?.samplesPerSecond;
  return html`<header>
    <h1>${job.name} ${badge(status, TONES[status])}</h1>
    <p class="muted small">${path}</p>
    ${
      status === 'failed' &&
      error !== undefined &&
      callout(
        'bad',
        html`<p><strong>${error.message}</strong></p>`,
        error.hint !== undefined && html`<p>${error.hint}</p>`,
      )
    }
    ${best !== undefined && html`<p>${whereFrom(best, epoch)}</p>`}
    ${facts([
      ['Task', job.data.task],
      ['Epochs', `${formatCount(epoch)} of ${formatCount(job.training.epochs)}`],
      ['Steps', `${formatCount(step)} of ${formatCount(steps)}`],
      ['Started', startedAt.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')],
      ['Time', elapsedMs === null || !Number.isFinite(elapsedMs) ? 'not ended' : formatDuration(elapsedMs)],
      ['Speed', speed === undefined ? 'no steps' : `${formatRate(speed)} samples/s`],
      ['Cluster', `${formatPlural(workers, 'worker')}, ${backend}`],
      ['Seed', String(seed)],
      ['Version', version],
    ])}
    ${
      weightsSha256 !== null &&
      html`<p class="small"><span class="muted">weights sha256</span> <code>${weightsSha256}</code></p>`
    }
  </header>`;
}

/** Which weights a run that stops early has ended with. */
function whereFrom({ epoch, stoppedEarly }: BestRecord, last: number): string {
  const end = stoppedEarly ? `Training stopped early, after epoch ${formatCount(last)}: the` : 'The';
  return `${end} final weights and scores are those of epoch ${formatCount(epoch)}, which did best on the dev split.`;
}
