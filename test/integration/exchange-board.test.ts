/** Workers of one host that answer each other's exchanges in memory that they share: the same bits, whatever happens to one of them. */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { workplace } from '../support/processes.js';
import { completed, reached, startCoordinator, startWorker, startWorkers, train, type Coordinator } from './cluster.js';
import { measured, type Results } from './results.js';
import { STEPS_PER_EPOCH, writeSmallJob } from './small-job.js';

const TIMEOUT_MS = 240_000;
const EPOCHS = 20;
const folder = workplace();
const job = writeSmallJob(join(folder, 'job'));
/** Nothing but steps, and what is told of boards. */
const LONG = [
  ...['training.evaluateEveryEpochs=0', 'training.checkpoint.everySteps=0', 'cluster.collective=star'],
  ...[`training.epochs=${EPOCHS}`, 'cluster.heartbeatTimeoutMs=2000'],
].flatMap((setting) => ['--set', setting]);
const TOLD = ['--quiet', '--log-level', 'debug'];

let alone: Results;
beforeAll(async () => {
  alone = await train(job, join(folder, 'alone'), [...LONG, '--workers', '1']);
}, TIMEOUT_MS);

function expectSameBits(results: Results): void {
  expect(results.record.weightsSha256).toBe(alone.record.weightsSha256);
  expect(measured(results)).toEqual(measured(alone));
}

/** Workers of each board of a run. */
function boards({ process }: Coordinator): number[] {
  return process.log
    .filter(({ msg }) => msg === 'workers answer exchanges in memory that they share')
    .map(({ workers }) => Number(workers));
}

async function cluster(name: string, workers: number, args: readonly string[] = []) {
  const out = join(folder, name);
  const coordinator = await startCoordinator(job, out, [...LONG, ...TOLD, ...args, '--workers', String(workers)]);
  return { coordinator, out };
}

describe.runIf(process.platform === 'linux')('workers at a board', () => {
  it.each([
    [2, 1],
    [2, 2],
    [3, 1],
    [3, 2],
  ])('give the bits of one: %i workers of %i threads', { timeout: TIMEOUT_MS }, async (workers, threads) => {
    const { coordinator, out } = await cluster(`${workers}x${threads}`, workers);
    startWorkers(workers, coordinator.address, ['--threads', String(threads)]);
    expectSameBits(await completed(coordinator, out));
    expect(boards(coordinator).at(-1)).toBe(workers);
  });

  it('are not needed: over gRPC there is none', { timeout: TIMEOUT_MS }, async () => {
    const { coordinator, out } = await cluster('grpc', 2, ['--set', 'cluster.transport=grpc']);
    startWorkers(2, coordinator.address);
    expectSameBits(await completed(coordinator, out));
    expect(boards(coordinator)).toEqual([]);
  });

  it.each<readonly [string, (signal: (name: NodeJS.Signals) => void) => Promise<void> | void]>([
    [
      'is killed',
      async (signal) => {
        // The others wait for it then.
        signal('SIGSTOP');
        await setTimeout(500);
        signal('SIGKILL');
      },
    ],
    ['hangs', (signal) => signal('SIGSTOP')],
  ])('go on at another one when one of them %s', { timeout: TIMEOUT_MS }, async (what, disturb) => {
    const { coordinator, out } = await cluster(what.replaceAll(' ', '-'), 3);
    const workers = startWorkers(3, coordinator.address, ['--threads', '2']);
    await reached(25, out, coordinator.process);
    await disturb((name) => workers[1]?.kill(name));
    const results = await completed(coordinator, out);
    expectSameBits(results);
    expect(results.events.filter(({ type }) => type === 'recovery')).toHaveLength(1);
    expect(boards(coordinator).slice(-2)).toEqual([3, 2]);
    const left = [workers[0], workers[2]].flatMap((worker) => worker?.finished() ?? []);
    expect((await Promise.all(left)).map(({ code }) => code)).toEqual([0, 0]);
  });

  it('make room for one that joins late', { timeout: TIMEOUT_MS }, async () => {
    const { coordinator, out } = await cluster('late', 2, ['--set', 'cluster.heartbeatTimeoutMs=120000']);
    const early = startWorkers(2, coordinator.address);
    await reached(STEPS_PER_EPOCH, out, coordinator.process);
    // The run is held up for the late one, whose start may take longer than all the steps.
    early[0]?.kill('SIGSTOP');
    startWorker(coordinator.address);
    await coordinator.process.logged(({ msg }) => msg.startsWith('worker-3'));
    early[0]?.kill('SIGCONT');
    expectSameBits(await completed(coordinator, out));
    expect(boards(coordinator).slice(-2)).toEqual([2, 3]);
  });
});
