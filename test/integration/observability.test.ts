/** What a monitoring system and an orchestrator see of a cluster under way. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { describe, expect, it } from 'vitest';
import { packageVersion } from '../../src/common/package.js';
import { lintExposition, parseExposition, type Family } from '../observe/exposition.js';
import { eventually, freePort, workplace } from '../support/processes.js';
import { completed, reached, startCoordinator, startWorker } from './cluster.js';
import { readResults } from './results.js';
import { BATCH_SIZE, SIZES, STEPS_PER_EPOCH, writeSmallJob } from './small-job.js';

const TIMEOUT_MS = 240_000;
const folder = workplace();
const job = writeSmallJob(join(folder, 'job'));

type Families = ReadonlyMap<string, Family>;

interface Answer {
  readonly code: number;
  readonly text: string;
}

async function get(url: string): Promise<Answer> {
  const response = await fetch(url);
  return { code: response.status, text: await response.text() };
}

async function scrape(http: string): Promise<Families> {
  return parseExposition((await get(`http://${http}/metrics`)).text);
}

/** The sample of a metric with these labels. */
function valueOf(families: Families, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(count|sum|bucket)$/, ''));
  return family?.samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )?.value;
}

/** The state whose sample is 1. */
function current(families: Families, name: string, label: string): string[] {
  return (
    families
      .get(name)
      ?.samples.filter(({ value }) => value === 1)
      .map(({ labels }) => labels[label] ?? '') ?? []
  );
}

/** Asks grpc.health.v1 about a service, as a probe does: without any token. */
function health(address: string, name: string): Promise<string> {
  const check = service['Check'];
  if (check === undefined) throw new Error('grpc.health.v1 has no Check');
  const client = new Client(address, credentials.createInsecure());
  return new Promise<string>((resolve, reject) => {
    client.makeUnaryRequest(
      check.path,
      check.requestSerialize,
      check.responseDeserialize,
      { service: name },
      { deadline: Date.now() + 30_000 },
      (error: ServiceError | null, answer?: unknown) => {
        if (error === null) resolve(String((answer as { status: unknown }).status));
        else if (error.code === status.NOT_FOUND) resolve('NOT_FOUND');
        else reject(error);
      },
    );
  }).finally(() => client.close());
}

/** Samples in the first steps of a run: every epoch ends with a smaller batch. */
function samplesIn(steps: number): number {
  const epochs = Math.floor(steps / STEPS_PER_EPOCH);
  return epochs * SIZES.train + (steps % STEPS_PER_EPOCH) * BATCH_SIZE;
}

function expectAccepted(exposition: string): void {
  expect(lintExposition(parseExposition(exposition))).toEqual([]);
  const promtool = spawnSync('promtool', ['check', 'metrics'], { input: exposition, encoding: 'utf8' });
  if (promtool.error !== undefined) return; // Prometheus is not installed here; the rules above are the same.
  expect(promtool.stdout + promtool.stderr).toBe('');
  expect(promtool.status).toBe(0);
}

describe('a cluster under way', () => {
  it('tells Prometheus, probes and gRPC health checks how it is', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'run');
    const http = `127.0.0.1:${await freePort()}`;
    const workerHttp = `127.0.0.1:${await freePort()}`;
    const long = ['--set', 'training.epochs=40', '--set', 'training.evaluateEveryEpochs=2'];
    // The workers are going to stand still for a while without being lost.
    const patient = ['--set', 'cluster.heartbeatTimeoutMs=240000'];
    const coordinator = await startCoordinator(job, out, [
      ...long,
      ...patient,
      // Between processes that share memory nothing would travel.
      '--set',
      'cluster.transport=grpc',
      '--workers',
      '2',
      '--quiet',
      '--http',
      http,
    ]);

    await eventually('the endpoint answers', () => get(`http://${http}/healthz`).catch(() => null));
    const waiting = await scrape(http);
    expect(current(waiting, 'lockstep_phase', 'phase')).toEqual(['waiting']);
    expect(valueOf(waiting, 'lockstep_steps_total')).toBe(0);
    expect(valueOf(waiting, 'lockstep_workers', { state: 'ready' })).toBe(0);

    const first = startWorker(coordinator.address, ['--http', workerHttp]);
    const second = startWorker(coordinator.address);
    await reached(40, out, coordinator.process);
    first.kill('SIGSTOP');
    second.kill('SIGSTOP');

    // With its workers standing still a run stands still, so that the endpoint and the files can be compared.
    const { families, metrics } = await eventually('the run stands still', async () => {
      const lines = readResults(out).metrics.length;
      const scraped = await scrape(http);
      await pause(200);
      const after = readResults(out).metrics;
      return lines === after.length && { families: scraped, metrics: after };
    });
    const steps = metrics.at(-1)?.step ?? 0;
    expect(steps).toBeGreaterThanOrEqual(40);
    expect(['training', 'evaluating']).toContain(current(families, 'lockstep_phase', 'phase').join());
    expect(valueOf(families, 'lockstep_workers', { state: 'ready' })).toBe(2);
    expect(valueOf(families, 'lockstep_workers', { state: 'lost' })).toBe(0);
    expect(valueOf(families, 'lockstep_membership_epoch')).toBe(2);
    expect(valueOf(families, 'lockstep_recoveries_total')).toBe(0);
    expect(valueOf(families, 'lockstep_steps_total')).toBe(steps);
    expect(valueOf(families, 'lockstep_samples_total')).toBe(samplesIn(steps));
    expect(valueOf(families, 'lockstep_step_duration_seconds_count')).toBe(steps);
    for (const phase of ['compute', 'reduce', 'update', 'broadcast', 'wait']) {
      expect(valueOf(families, 'lockstep_step_phase_duration_seconds_count', { phase })).toBe(steps);
    }
    expect(
      valueOf(families, 'lockstep_build_info', { role: 'coordinator', version: packageVersion(), backend: 'wasm' }),
    ).toBe(1);
    for (const rank of ['0', '1'])
      expect(valueOf(families, 'lockstep_worker_step_time_ratio', { rank })).toBeGreaterThan(0);
    // Two workers' partial sums come in with every step; a model went out to both, at the start and after each but the last steps.
    const parameters = 20 * 32 + 2 * 32 + 32 * 16 + 2 * 16 + 16 * 4 + 4;
    const received = valueOf(families, 'lockstep_transfer_bytes_total', { direction: 'received' }) ?? 0;
    const sent = valueOf(families, 'lockstep_transfer_bytes_total', { direction: 'sent' }) ?? 0;
    expect(received).toBeGreaterThanOrEqual(2 * 4 * parameters * steps);
    expect(sent).toBeGreaterThan(2 * 4 * parameters * (steps - 2));

    const line = metrics.findLast(({ evaluation }) => evaluation !== true);
    expect(line?.step).toBe(steps);
    expect(valueOf(families, 'lockstep_loss', { split: 'train' })).toBe(line?.loss);
    expect(valueOf(families, 'lockstep_accuracy', { split: 'train' })).toBe(line?.accuracy);
    expect(valueOf(families, 'lockstep_learning_rate')).toBe(line?.learningRate);
    expect(valueOf(families, 'lockstep_gradient_norm')).toBe(line?.gradientNorm);
    expect(valueOf(families, 'lockstep_epoch')).toBe(line?.epoch);
    const dev = metrics.findLast(({ split }) => split === 'dev');
    expect(valueOf(families, 'lockstep_loss', { split: 'dev' })).toBe(dev?.loss);
    expect(valueOf(families, 'lockstep_accuracy', { split: 'dev' })).toBe(dev?.accuracy);

    expect(await get(`http://${http}/healthz`)).toMatchObject({
      code: 200,
      text: expect.stringContaining('"live":true') as unknown,
    });
    expect(await get(`http://${http}/readyz`)).toMatchObject({
      code: 200,
      text: expect.stringContaining('"ready":true') as unknown,
    });
    expect((await get(`http://${http}/elsewhere`)).code).toBe(404);
    expect(await health(coordinator.address, '')).toBe('SERVING');
    expect(await health(coordinator.address, 'lockstep.v1.Coordinator')).toBe('SERVING');
    expect(await health(coordinator.address, 'lockstep.v1.Nobody')).toBe('NOT_FOUND');
    const exposition = await get(`http://${http}/metrics`);
    expectAccepted(exposition.text);

    first.kill('SIGCONT');
    const ofWorker = await eventually('the worker answers', () => scrape(workerHttp).catch(() => null));
    expect(['ready', 'computing']).toContain(current(ofWorker, 'lockstep_worker_state', 'state').join());
    expect(valueOf(ofWorker, 'lockstep_worker_steps_total')).toBeGreaterThanOrEqual(steps);
    expect(valueOf(ofWorker, 'lockstep_worker_samples_total')).toBeGreaterThan(samplesIn(steps) * 0.4);
    expect(valueOf(ofWorker, 'lockstep_worker_compute_duration_seconds_count')).toBeGreaterThanOrEqual(steps);
    expect(valueOf(ofWorker, 'lockstep_build_info', { role: 'worker', backend: 'wasm' })).toBe(1);
    expect((await get(`http://${workerHttp}/readyz`)).code).toBe(200);
    expectAccepted((await get(`http://${workerHttp}/metrics`)).text);
    const { address } = await first.logged('worker started');
    expect(await health(String(address), 'lockstep.v1.Bulk')).toBe('SERVING');

    second.kill('SIGCONT');
    await completed(coordinator, out);
    expect((await first.finished()).code).toBe(0);
  });
});

describe('a worker without a coordinator', () => {
  it('is alive, but not ready', { timeout: TIMEOUT_MS }, async () => {
    const http = `127.0.0.1:${await freePort()}`;
    const worker = startWorker(`127.0.0.1:${await freePort()}`, ['--http', http]);
    const { address } = await worker.logged('worker started');
    expect((await get(`http://${http}/healthz`)).code).toBe(200);
    expect((await get(`http://${http}/readyz`)).code).toBe(503);
    expect(await health(String(address), 'lockstep.v1.Bulk')).toBe('NOT_SERVING');
    worker.kill('SIGTERM');
    const { code, stderr } = await worker.finished();
    expect(code, stderr).toBe(143);
  });
});

describe('the log', () => {
  it('has a line per transition, as JSON, and none per step', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'log');
    const coordinator = await startCoordinator(job, out, ['--quiet']);
    const worker = startWorker(coordinator.address);
    await completed(coordinator, out);
    await worker.finished();
    const { stderr, log } = coordinator.process;
    expect(stderr.trimEnd().split('\n')).toHaveLength(log.length);
    for (const line of log) {
      expect(line).toMatchObject({
        role: 'coordinator',
        pid: coordinator.process.pid,
        level: expect.any(String) as unknown,
      });
      expect(Date.parse(String(line['time']))).not.toBeNaN();
    }
    expect(log.map(({ level, msg }) => `${level}: ${msg.replace(/ on .* is/, ' is')}`)).toEqual([
      'info: run opened',
      'info: coordinator started',
      'info: worker-1 is ready',
      'info: checkpoint written',
      'info: run ended',
    ]);
    expect(worker.log.map(({ level, msg }) => `${level}: ${msg}`)).toEqual([
      'info: worker started',
      'info: ready',
      'info: the run is done',
    ]);
  });
});
