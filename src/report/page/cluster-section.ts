/** Who took part, how fast it went, and what happened on the way. */
import { formatCount, formatDuration } from '../../common/format.js';
import { chartGrid, dataTable } from '../../page/elements.js';
import { html, type Html } from '../../page/html.js';
import { lineChart } from '../../page/line-chart.js';
import type { EventLine } from '../../state/run-record.js';
import type { RunReport } from '../run-report.js';
import { overMinutes, trainingSteps } from '../series.js';
import { absent, section } from './section.js';

/** The first and the last so many are shown. */
const MOST_EVENTS = 100;

export function clusterSection({ metrics, events, record }: RunReport): Html {
  const steps = trainingSteps(metrics);
  const x = { label: 'minutes since the start' };
  return section(
    'Cluster',
    steps.length > 0 &&
      chartGrid([
        lineChart({
          title: 'Speed',
          x,
          y: { label: 'samples/s', zero: true },
          series: [
            {
              name: 'samples per second',
              points: overMinutes(steps, record.startedAt, (line) => line.samplesPerSecond),
            },
          ],
        }),
        lineChart({
          title: 'Workers',
          x,
          y: { label: 'workers', zero: true, whole: true },
          series: [{ name: 'workers', points: overMinutes(steps, record.startedAt, (line) => line.workers) }],
        }),
      ]),
    timeline(events, record.startedAt),
  );
}

function timeline(events: readonly EventLine[], startedAt: string): Html {
  const checkpoints = events.filter(({ type }) => type === 'checkpoint');
  const others = events.filter((event) => event.type !== 'checkpoint' || event === checkpoints.at(-1));
  const shown =
    others.length <= 2 * MOST_EVENTS ? others : [...others.slice(0, MOST_EVENTS), ...others.slice(-MOST_EVENTS)];
  const start = Date.parse(startedAt);
  const recoveries = events.filter(({ type }) => type === 'recovery').length;
  return html`<h3>What happened</h3>
    ${
      events.length === 0
        ? absent('events.jsonl has no entries.')
        : [
            html`<p>
              ${formatCount(recoveries)} ${recoveries === 1 ? 'step was' : 'steps were'} begun again after the loss of a
              worker; ${formatCount(checkpoints.length)}
              ${checkpoints.length === 1 ? 'checkpoint was' : 'checkpoints were'} written, of which the last is listed.
            </p>`,
            dataTable(
              [{ title: 'after', align: 'right' }, { title: 'event' }, { title: 'what' }],
              shown.map((event) => [after(event, start), event.type, described(event)]),
              shown.length < others.length
                ? { caption: `The first and the last ${MOST_EVENTS} of ${formatCount(others.length)} events` }
                : {},
            ),
          ]
    }`;
}

function after({ time }: EventLine, start: number): string {
  const ms = Date.parse(time) - start;
  return Number.isFinite(ms) ? formatDuration(ms) : time;
}

/** The reason where there is one; else everything that the line says. */
function described({ time: _time, type, ...detail }: EventLine): string {
  const { step, reason, epoch } = detail;
  const text = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
  if (reason !== undefined) {
    const where = type === 'recovery' ? `step ${text(step)}: ` : type === 'membership' ? `epoch ${text(epoch)}: ` : '';
    return `${where}${text(reason)}`;
  }
  if (type === 'checkpoint') return `after step ${text(step)}`;
  return Object.entries(detail)
    .map(([key, value]) => `${key} ${text(value)}`)
    .join(', ');
}
