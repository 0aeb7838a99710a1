/** `lockstep bench allreduce`: time and bandwidth of an all-reduce among processes of this host, next to Gloo. */
import { LockstepError } from '../common/errors.js';
import type { WireFormat } from '../protocol/piece.js';
import { busBandwidth, gigabytesPerSecond } from './bandwidth.js';
import { startGloo, startLockstep, usableCarriers, type Contestant, type Question } from './allreduce/contestants.js';
import { Report, figure, shownBytes, shownTime, type BenchFlags } from './report.js';
import { medianRatio, summarize, type Summary } from './statistics.js';
import { takeTurns } from './turns.js';

export interface AllReduceFlags extends BenchFlags {
  readonly processes: readonly number[];
  readonly maxBytes: number;
  readonly formats: readonly string[];
  readonly peers: boolean;
}

const FORMATS: readonly WireFormat[] = ['float32', 'bfloat16', 'float16'];

/** From one number to a large model; up to 64 KiB latency counts, beyond it bandwidth. */
const SIZES = [4, 4_096, 65_536, 2 ** 20, 2 ** 22, 2 ** 24, 2 ** 26];

interface Pace {
  readonly rounds: number;
  readonly turnMs: number;
  /** For each size: no round begins after so long. */
  readonly budgetMs: number;
}

interface Measurement {
  readonly contestant: string;
  readonly collective: Contestant['collective'];
  readonly carrier: Contestant['carrier'];
  readonly format: Contestant['format'];
  readonly processes: number;
  readonly bytes: number;
  readonly ms: Summary;
  readonly cpuMs: number;
  /** 10⁹ bytes per second, as nccl-tests define them, of the median time. */
  readonly algorithmBandwidth: number;
  readonly busBandwidth: number;
  /** How many times Gloo's bandwidth; null without Gloo. */
  readonly ratio: number | null;
}

export async function benchAllReduce(flags: AllReduceFlags): Promise<void> {
  const formats = flags.formats.map(formatOf);
  const report = new Report('allreduce', flags);
  const quick = flags.quick === true;
  const pace: Pace = quick ? { rounds: 2, turnMs: 5, budgetMs: 1_000 } : { rounds: 5, turnMs: 40, budgetMs: 2_000 };
  const processes = [...new Set(flags.processes)].sort((a, b) => a - b);
  report.progress('starting processes');
  const { carriers, missing } = usableCarriers();
  if (missing !== null) report.skip(`shared memory: ${missing}`);
  const contestants = [
    ...(await startLockstep(Math.max(...processes), ['star', 'mesh'], carriers, formats, flags.maxBytes)),
  ];
  const gloo = flags.peers ? await startGloo(processes) : { missing: 'Gloo: not asked for' };
  if ('missing' in gloo) report.skip(gloo.missing);
  else contestants.push(gloo);

  const measurements: Measurement[] = [];
  for (const count of processes) {
    const found: Measurement[] = [];
    for (const bytes of SIZES.filter((size) => size <= flags.maxBytes)) {
      report.progress(`${count} processes, ${shownBytes(bytes)}`);
      found.push(...(await measure(contestants, { processes: count, bytes }, pace)));
    }
    print(report, count, found);
    measurements.push(...found);
  }
  report.finish({ measurements });
}

function formatOf(name: string): WireFormat {
  const format = FORMATS.find((one) => one === name);
  if (format !== undefined) return format;
  throw new LockstepError('usage', `there is no wire format ${name}`, { hint: `Formats: ${FORMATS.join(', ')}.` });
}

async function measure(
  contestants: readonly Contestant[],
  size: Pick<Question, 'processes' | 'bytes'>,
  { rounds, turnMs, budgetMs }: Pace,
): Promise<Measurement[]> {
  const turns: (() => ReturnType<Contestant['ask']>)[] = [];
  for (const contestant of contestants) {
    const fitting = (ms: number): number => Math.min(1_000, Math.max(1, Math.round(turnMs / ms)));
    const first = await contestant.ask({ ...size, times: 1, check: true });
    // Once more as long as a turn: compilers settle, and the first time says little about the others.
    const second =
      first.ms > turnMs ? first : await contestant.ask({ ...size, times: fitting(first.ms), check: false });
    const times = fitting(second.ms);
    turns.push(() => contestant.ask({ ...size, times, check: false }));
  }
  const results = await takeTurns(turns, { rounds, budgetMs });
  const times = results.map((answers) => answers.map((answer) => answer?.ms ?? null));
  const peer = contestants.findIndex(({ collective }) => collective === null);
  return contestants.map(({ name, collective, carrier, format }, index) => {
    const ms = summarize(times[index] ?? []);
    const bandwidth = gigabytesPerSecond(size.bytes, ms.median);
    return {
      contestant: name,
      collective,
      carrier,
      format,
      ...size,
      ms,
      cpuMs: summarize((results[index] ?? []).map((answer) => answer?.cpuMs ?? null)).median,
      algorithmBandwidth: bandwidth,
      busBandwidth: busBandwidth(bandwidth, size.processes),
      ratio: peer < 0 ? null : medianRatio(times[peer] ?? [], times[index] ?? []),
    };
  });
}

function print(report: Report, processes: number, found: readonly Measurement[]): void {
  const sizes = [...new Set(found.map(({ bytes }) => bytes))];
  const names = [...new Set(found.map(({ contestant }) => contestant))];
  const block = (title: string, cell: (measurement: Measurement) => string): void => {
    const rows = names.map((name) => [
      name,
      ...sizes.map((bytes) => {
        const measurement = found.find((one) => one.contestant === name && one.bytes === bytes);
        return measurement === undefined ? '' : cell(measurement);
      }),
    ]);
    report.table(title, ['', ...sizes.map(shownBytes)], rows);
  };
  block(`All-reduce among ${processes} processes, by size in float32: time, median`, ({ ms }) => shownTime(ms.median));
  block(`Among ${processes} processes: time, best`, ({ ms }) => shownTime(ms.best));
  block(`Among ${processes} processes: bus bandwidth, GB/s`, (one) =>
    figure(one.busBandwidth, one.bytes < 2 ** 16 ? 4 : 2),
  );
  if (found.some(({ ratio }) => ratio !== null))
    block(`Among ${processes} processes: bandwidth, times Gloo's`, ({ ratio }) => figure(ratio));
}
