/**
 * `lockstep bench scale`: what the cluster itself costs. Workers wait instead of computing, so that many of them fit one machine; what
 * a step takes beyond the wait is the cluster's own: plans, exchanges, gradients, the update, weights.
 */
import type { CollectiveName } from '../protocol/messages.js';
import type { CarrierChoice } from '../protocol/piece.js';
import { Report, figure, type BenchFlags } from './report.js';
import { ScaleCluster } from './scale/cluster.js';
import type { PhaseResult } from './scale/coordinator.js';
import { SHARDS, type Phase, type ScalePlan } from './scale/plan.js';
import { makeShapedLink, type ShapedLink } from './scale/shaped-link.js';
import { benchJobs, type BenchJob } from './train/jobs.js';

export interface ScaleFlags extends BenchFlags {
  readonly workers: readonly number[];
  readonly link: boolean;
  /** Most workers of a mesh, which has a connection for each pair. */
  readonly maxMesh: number;
  readonly transport: CarrierChoice;
}

const COLLECTIVES: readonly CollectiveName[] = ['star', 'mesh'];

interface Waits {
  readonly warmUp: number;
  readonly steps: number;
  /** Weak scaling: what every worker has to do in a step, however many they are (ms). */
  readonly each: number;
  /** Strong scaling: what there is to do in a step, which they share (ms). */
  readonly shared: number;
}

interface Measurement {
  readonly job: string;
  readonly collective: CollectiveName;
  readonly workers: number;
  readonly weak: Step;
  readonly strong: Step;
}

interface Step extends PhaseResult {
  readonly waitMs: number;
  /** What the step takes beyond the wait. */
  readonly overheadMs: number;
}

interface LinkMeasurement {
  readonly job: string;
  readonly collective: CollectiveName;
  readonly bitsPerSecond: number;
  readonly delayMs: number;
  readonly step: Step;
  /** What the busier direction of the link needs for the bytes of a step, headers included. */
  readonly neededMs: number;
  /** Exposed communication: how many times what the bytes need. */
  readonly ratio: number;
}

export async function benchScale(flags: ScaleFlags): Promise<void> {
  const report = new Report('scale', flags);
  const quick = flags.quick === true;
  const waits: Waits = quick
    ? { warmUp: 1, steps: 2, each: 5, shared: 20 }
    : { warmUp: 4, steps: 10, each: 30, shared: 320 };
  const counts = [...new Set(flags.workers)].filter((count) => count <= SHARDS).sort((a, b) => a - b);
  if (counts.length < new Set(flags.workers).size)
    report.skip(`more than ${SHARDS} workers: a batch has as many shards`);

  const cluster = ScaleCluster.here();
  const byWorkers: Measurement[] = [];
  for (const workers of counts) {
    for (const collective of COLLECTIVES) {
      if (collective === 'mesh' && (workers === 1 || workers > flags.maxMesh)) continue;
      report.progress(`${workers} workers, ${collective}`);
      byWorkers.push(
        await measure(
          cluster,
          quick ? benchJobs.small : benchJobs.reference,
          workers,
          collective,
          waits,
          flags.transport,
        ),
      );
    }
  }
  if (counts.some((workers) => workers > flags.maxMesh))
    report.skip(`a mesh of more than ${flags.maxMesh} workers, which has a connection for each pair: see --max-mesh`);
  print(report, 'How it grows with the workers', byWorkers);

  const byModel: Measurement[] = [];
  const several = Math.min(8, Math.max(...counts));
  for (const job of quick ? [] : [benchJobs.small, benchJobs.reference, benchJobs.large]) {
    for (const collective of COLLECTIVES) {
      report.progress(`${job.name} job, ${collective}`);
      byModel.push(await measure(cluster, job, several, collective, waits, flags.transport));
    }
  }
  if (byModel.length > 0) print(report, 'How it grows with the model', byModel);

  await cluster.end();

  const overLink = flags.link ? await measureLink(report, quick, waits) : [];
  report.finish({ shards: SHARDS, waits, byWorkers, byModel, overLink });
}

async function measure(
  cluster: ScaleCluster,
  job: BenchJob,
  workers: number,
  collective: CollectiveName,
  { warmUp, steps, each, shared }: Waits,
  carrier: CarrierChoice,
): Promise<Measurement> {
  const phases = [
    { steps: warmUp, waitMs: each },
    { steps, waitMs: each },
    { steps, waitMs: shared / workers },
  ];
  const plan: ScalePlan = { widths: job.widths, workers, collective, carrier, phases };
  const [, weak, strong] = stepsOf(await cluster.run(plan), phases);
  if (weak === undefined || strong === undefined) throw new RangeError('a phase was not measured');
  return { job: job.name, collective, workers, weak, strong };
}

function stepsOf(results: readonly PhaseResult[], phases: readonly Phase[]): Step[] {
  return results.map((result, index) => {
    const waitMs = phases[index]?.waitMs ?? 0;
    return { ...result, waitMs, overheadMs: result.stepMs - waitMs };
  });
}

async function measureLink(report: Report, quick: boolean, waits: Waits): Promise<LinkMeasurement[]> {
  const link = makeShapedLink();
  if ('missing' in link) {
    report.skip(link.missing);
    return [];
  }
  try {
    if (link.delayMs === 0) report.skip('a delay of the shaped link: this kernel has no netem');
    const cluster = new ScaleCluster(link.sites[0], link.sites);
    const found: LinkMeasurement[] = [];
    for (const job of quick ? [benchJobs.small] : [benchJobs.reference, benchJobs.large]) {
      for (const collective of COLLECTIVES) {
        report.progress(`${job.name} job over a shaped link, ${collective}`);
        found.push(...(await measureOverLink(link, cluster, job, collective, waits)));
      }
    }
    await cluster.end();
    printLink(report, found);
    return found;
  } finally {
    link.remove();
  }
}

/** Two workers, one of them beside the coordinator and one at the other end of the link; without and with something to do. */
async function measureOverLink(
  link: ShapedLink,
  cluster: ScaleCluster,
  job: BenchJob,
  collective: CollectiveName,
  { warmUp, steps, each }: Waits,
): Promise<LinkMeasurement[]> {
  const phases = [
    { steps: warmUp, waitMs: 0 },
    { steps, waitMs: 0 },
    { steps, waitMs: each },
  ];
  const plan: ScalePlan = { widths: job.widths, workers: 2, collective, carrier: 'auto', phases };
  const [, ...measured] = stepsOf(await cluster.run(plan), phases);
  const { bitsPerSecond, delayMs } = link;
  return measured.map((step) => {
    const bytes = Math.max(step.deviceBytes?.sent ?? 0, step.deviceBytes?.received ?? 0);
    const neededMs = (bytes * 8 * 1000) / bitsPerSecond;
    const ratio = step.overheadMs / neededMs;
    return { job: job.name, collective, bitsPerSecond, delayMs, step, neededMs, ratio };
  });
}

const MIB = 2 ** 20;

function print(report: Report, title: string, found: readonly Measurement[]): void {
  const alone = found.find(({ workers }) => workers === 1);
  report.table(
    `${title}: weak scaling, every worker waits ${figure(found[0]?.weak.waitMs, 0)} ms; bytes are tensor bytes of the coordinator`,
    ['', 'workers', 'step ms', 'overhead ms', 'efficiency', 'CPU ms', 'MiB in', 'MiB out'],
    found.map(({ job, collective, workers, weak }) => [
      `${job}, ${collective}`,
      String(workers),
      figure(weak.stepMs, 1),
      figure(weak.overheadMs, 1),
      `${((100 * weak.waitMs) / weak.stepMs).toFixed(0)}%`,
      figure(weak.cpuMs, 1),
      figure(weak.receivedBytes / MIB),
      figure(weak.sentBytes / MIB),
    ]),
  );
  report.table(
    `${title}: strong scaling, the workers share the wait`,
    ['', 'workers', 'wait ms', 'step ms', 'overhead ms', 'speed-up'],
    found.map(({ job, collective, workers, strong }) => [
      `${job}, ${collective}`,
      String(workers),
      figure(strong.waitMs, 1),
      figure(strong.stepMs, 1),
      figure(strong.overheadMs, 1),
      alone === undefined ? '–' : figure(alone.strong.stepMs / strong.stepMs, 1),
    ]),
  );
}

function printLink(report: Report, found: readonly LinkMeasurement[]): void {
  const [{ bitsPerSecond, delayMs } = { bitsPerSecond: NaN, delayMs: NaN }] = found;
  report.table(
    `Over a link of ${bitsPerSecond / 1e9} Gbit/s and ${delayMs} ms, 2 workers, one at each end; needed: the bytes of the busier direction at that rate`,
    ['', 'wait ms', 'step ms', 'exposed ms', 'MiB there', 'MiB back', 'needed ms', 'times'],
    found.map(({ job, collective, step, neededMs, ratio }) => [
      `${job}, ${collective}`,
      figure(step.waitMs, 0),
      figure(step.stepMs, 1),
      figure(step.overheadMs, 1),
      figure((step.deviceBytes?.sent ?? NaN) / MIB),
      figure((step.deviceBytes?.received ?? NaN) / MIB),
      figure(neededMs, 1),
      figure(ratio),
    ]),
  );
}
