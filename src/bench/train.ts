/** `lockstep bench train`: how long a training step takes, and where the time goes, next to the peers. */
import { LockstepError } from '../common/errors.js';
import type { BackendChoice } from '../kernels/select.js';
import { temporaryFolder } from './leftovers.js';
import { Report, figure, type BenchFlags } from './report.js';
import { median, medianRatio, summarize, type Rounds, type Summary } from './statistics.js';
import {
  startDistributedTorch,
  startLockstep,
  startTensorFlow,
  startTorch,
  type Contestant,
  type Entry,
  type LockstepKind,
} from './train/contestants.js';
import { BATCH, benchJobs, dataOf, type BenchJob, type DataFiles, type JobName } from './train/jobs.js';
import { meanParts, type StepParts, type TurnAnswer } from './train/turn.js';
import { takeTurns } from './turns.js';

export interface TrainFlags extends BenchFlags {
  readonly jobs: readonly string[];
  /** Of Lockstep. */
  readonly backend: BackendChoice;
  readonly peers: boolean;
}

/** Workers × threads. */
const KINDS: readonly LockstepKind[] = [
  { name: 'Lockstep 1×1', workers: 1, threads: 1, shards: 8 },
  { name: 'Lockstep 1×2', workers: 1, threads: 2, shards: 8 },
  { name: 'Lockstep 2×1', workers: 2, threads: 1, shards: 8 },
];
/** What the logical shards of the first kind cost is seen beside these. */
const SHARD_KINDS: readonly LockstepKind[] = [
  { name: 'Lockstep 1×1, 1 shard', workers: 1, threads: 1, shards: 1 },
  { name: 'Lockstep 1×1, 16 shards', workers: 1, threads: 1, shards: 16 },
];

interface Pace {
  readonly rounds: number;
  readonly turnMs: number;
  /** Steps before those that are timed, as a share of a turn. */
  readonly leadInShare: number;
  /** Before anything is timed: compilers, caches and clocks settle, and Lockstep tries out collectives and bucket sizes. */
  readonly warmUpMs: number;
  /** Lockstep's least steps for that. */
  readonly warmUpSteps: number;
}

interface Result {
  readonly name: string;
  readonly peer: boolean;
  /** Of one step. */
  readonly ms: Summary;
  readonly cpuMs: number | null;
  readonly samplesPerSecond: number;
  readonly parts: StepParts | null;
  readonly loss: number;
}

export async function benchTrain(flags: TrainFlags): Promise<void> {
  const jobs = flags.jobs.map(jobOf);
  const report = new Report('train', flags);
  const pace: Pace =
    flags.quick === true
      ? { rounds: 2, turnMs: 20, leadInShare: 0, warmUpMs: 50, warmUpSteps: 1 }
      : { rounds: 9, turnMs: 300, leadInShare: 0.5, warmUpMs: 5_000, warmUpSteps: 50 };
  const results = [];
  for (const job of jobs) {
    const folder = temporaryFolder();
    try {
      const data = dataOf(job, folder.path);
      report.progress(`${job.name} job: starting`);
      const contestants = await gather(report, job, data, flags);
      report.progress(`${job.name} job`);
      const found = await compete(contestants, pace);
      print(report, job, found);
      results.push({ job: job.name, widths: job.widths, batch: BATCH, contestants: found, ratios: ratios(found) });
    } finally {
      folder.remove();
    }
  }
  report.finish({ jobs: results });
}

function jobOf(name: string): BenchJob {
  if (Object.hasOwn(benchJobs, name)) return benchJobs[name as JobName];
  throw new LockstepError('usage', `there is no job ${name}`, { hint: `Jobs: ${Object.keys(benchJobs).join(', ')}.` });
}

async function gather(report: Report, job: BenchJob, data: DataFiles, flags: TrainFlags): Promise<Contestant[]> {
  const kinds = flags.quick === true ? KINDS : [...KINDS, ...SHARD_KINDS];
  const starts: Promise<Entry>[] = kinds.map((kind) => startLockstep(kind, { job, data, backend: flags.backend }));
  if (flags.peers) {
    starts.push(
      startTorch(1, job, data),
      startTorch(2, job, data),
      startDistributedTorch(2, job, data),
      startTensorFlow(job, data),
    );
  }
  const entries = await Promise.all(starts);
  const missing = new Set(entries.flatMap((entry) => ('missing' in entry ? [entry.missing] : [])));
  for (const why of missing) report.skip(why);
  if (!flags.peers) report.skip('the peers, as asked for');
  return entries.flatMap((entry) => ('missing' in entry ? [] : [entry]));
}

async function compete(contestants: readonly Contestant[], pace: Pace): Promise<Result[]> {
  const entered: {
    readonly contestant: Contestant;
    readonly turn: number;
    readonly leadIn: number;
    readonly every: number;
  }[] = [];
  for (const contestant of contestants) {
    const perStep = await warmUp(contestant, pace);
    const turn = Math.max(1, Math.round(pace.turnMs / perStep));
    const leadIn = Math.round((pace.leadInShare * pace.turnMs) / perStep);
    // Whoever needs much longer than a turn for a single step comes less often.
    entered.push({ contestant, turn, leadIn, every: Math.max(1, Math.round(perStep / pace.turnMs)) });
  }
  const answers = await takeTurns(
    entered.map(({ contestant, turn, leadIn }) => async () => {
      // The others had the caches meanwhile, and threads have gone to sleep.
      if (leadIn > 0) await contestant.train(leadIn);
      return contestant.train(turn);
    }),
    { rounds: pace.rounds, takesPart: (index, round) => round % (entered[index]?.every ?? 1) === 0 },
  );
  await Promise.all(contestants.map((contestant) => contestant.end()));
  return entered.map(({ contestant, turn }, index) => summarizeTurns(contestant, turn, answers[index] ?? []));
}

/** Returns how long a step takes by now. */
async function warmUp(contestant: Contestant, { warmUpMs, warmUpSteps }: Pace): Promise<number> {
  const least = contestant.peer ? 1 : warmUpSteps;
  let { ms: perStep } = await contestant.train(1);
  for (let [steps, spent, count] = [1, perStep, 1]; spent < warmUpMs || count < least;) {
    steps = Math.min(50, 2 * steps);
    const { ms } = await contestant.train(steps);
    [spent, count, perStep] = [spent + ms, count + steps, ms / steps];
  }
  return perStep;
}

function summarizeTurns({ name, peer }: Contestant, steps: number, answers: readonly (TurnAnswer | null)[]): Result {
  const taken = answers.filter((answer) => answer !== null);
  const ms = summarize(answers.map((answer) => (answer === null ? null : answer.ms / steps)));
  const cpu = taken.flatMap(({ cpuMs }) => (cpuMs === null ? [] : [cpuMs / steps]));
  const parts = taken.flatMap((answer) => answer.parts ?? []);
  return {
    name,
    peer,
    ms,
    cpuMs: cpu.length === 0 ? null : median(cpu),
    samplesPerSecond: (BATCH * 1000) / ms.median,
    parts: parts.length === 0 ? null : meanParts(parts),
    loss: taken.at(-1)?.loss ?? NaN,
  };
}

/** How many times as fast as each peer, and as Lockstep's own first kind, everybody is. */
function ratios(results: readonly Result[]): Record<string, Record<string, number>> {
  const bases = results.filter(({ peer, name }) => peer || name === KINDS[0]?.name);
  return Object.fromEntries(
    results.map(({ name, ms }) => [
      name,
      Object.fromEntries(bases.map((base) => [base.name, timesAsFast(ms.rounds, base.ms.rounds)])),
    ]),
  );
}

function timesAsFast(own: Rounds, other: Rounds): number {
  return medianRatio(other, own);
}

function print(report: Report, job: BenchJob, results: readonly Result[]): void {
  const [first] = results;
  const peers = results.filter(({ peer }) => peer);
  report.table(
    `${job.name} job: ${job.widths.join('-')} with batch norm, Adam, batch ${BATCH}; Lockstep as workers × threads; a step in ms, medians`,
    ['', 'step', 'best', 'samples/s', 'CPU', 'compute', 'wait', 'communication', 'update', 'loss'],
    results.map(({ name, ms, samplesPerSecond, cpuMs, parts, loss }) => [
      name,
      figure(ms.median),
      figure(ms.best),
      figure(samplesPerSecond, 0),
      figure(cpuMs),
      figure(parts?.computeMs),
      figure(parts?.waitMs),
      figure(parts?.communicationMs),
      figure(parts?.updateMs),
      figure(loss, 3),
    ]),
  );
  if (first === undefined) return;
  const bases = [first, ...peers];
  report.table(
    `${job.name} job: times as fast as …`,
    ['', ...bases.map(({ name }) => name)],
    results
      .filter(({ peer }) => !peer)
      .map(({ name, ms }) => [name, ...bases.map((base) => figure(timesAsFast(ms.rounds, base.ms.rounds)))]),
  );
}
