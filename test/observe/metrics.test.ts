import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createCoordinatorMetrics } from '../../src/observe/coordinator-metrics.js';
import type { CommittedStep } from '../../src/observe/coordinator-metrics.js';
import type { Registry } from '../../src/observe/metrics.js';
import { createWorkerMetrics } from '../../src/observe/worker-metrics.js';
import { lintExposition, parseExposition } from './exposition.js';
import type { Family } from './exposition.js';

const build = { version: '0.1.0', backend: 'wasm' };
const step: CommittedStep = {
  step: 41,
  epoch: 3,
  samples: 256,
  durationMs: 12,
  phasesMs: { compute: 8, wait: 0.4 },
  loss: 0.25,
  accuracy: 0.9,
  learningRate: 1e-3,
  gradientNorm: 1.5,
  cost: 0.3,
  smoothedCost: 0.35,
  layers: [
    { name: 'dense0', gradientNorm: 0.5, weightNorm: 4, updateRatio: 0.01 },
    { name: 'dense2', gradientNorm: null, weightNorm: 2, updateRatio: 0.02, deadShare: 0.25 },
  ],
  sentBytes: 1000,
  receivedBytes: 2000,
};

async function scrape(registry: Registry): Promise<Map<string, Family>> {
  return parseExposition(await registry.metrics());
}

function valueOf(families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number | undefined {
  const family = [...families.values()].find(({ samples }) => samples.some((sample) => sample.name === name));
  return family?.samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )?.value;
}

describe('coordinator metrics', () => {
  it('has every counter and state at zero before anything happens, so that rates begin with the first event', async () => {
    const families = await scrape(createCoordinatorMetrics({ build, processMetrics: false }).registry);
    expect(valueOf(families, 'lockstep_steps_total')).toBe(0);
    expect(valueOf(families, 'lockstep_transfer_bytes_total', { direction: 'sent' })).toBe(0);
    expect(valueOf(families, 'lockstep_workers', { state: 'lost' })).toBe(0);
    expect(valueOf(families, 'lockstep_step_phase_duration_seconds_count', { phase: 'update' })).toBe(0);
    expect(valueOf(families, 'lockstep_build_info', { role: 'coordinator', backend: 'wasm', version: '0.1.0' })).toBe(
      1,
    );
  });

  it('shows a committed step in base units', async () => {
    const metrics = createCoordinatorMetrics({ build, processMetrics: false });
    metrics.stepCommitted(step);
    metrics.stepCommitted({ ...step, step: 42, samples: 100, durationMs: 8, loss: 0.2 });
    const families = await scrape(metrics.registry);
    expect(valueOf(families, 'lockstep_step')).toBe(42);
    expect(valueOf(families, 'lockstep_epoch')).toBe(3);
    expect(valueOf(families, 'lockstep_steps_total')).toBe(2);
    expect(valueOf(families, 'lockstep_samples_total')).toBe(356);
    expect(valueOf(families, 'lockstep_step_duration_seconds_sum')).toBeCloseTo(0.02, 12);
    expect(valueOf(families, 'lockstep_step_duration_seconds_bucket', { le: '0.01' })).toBe(1);
    expect(valueOf(families, 'lockstep_step_duration_seconds_bucket', { le: '0.025' })).toBe(2);
    expect(valueOf(families, 'lockstep_step_phase_duration_seconds_sum', { phase: 'compute' })).toBeCloseTo(0.016, 12);
    expect(valueOf(families, 'lockstep_step_phase_duration_seconds_count', { phase: 'reduce' })).toBe(0);
    expect(valueOf(families, 'lockstep_loss', { split: 'train' })).toBe(0.2);
    expect(valueOf(families, 'lockstep_accuracy', { split: 'train' })).toBe(0.9);
    expect(valueOf(families, 'lockstep_learning_rate')).toBe(1e-3);
    expect(valueOf(families, 'lockstep_gradient_norm')).toBe(1.5);
    expect(valueOf(families, 'lockstep_cost')).toBe(0.3);
    expect(valueOf(families, 'lockstep_smoothed_cost')).toBe(0.35);
    expect(valueOf(families, 'lockstep_layer_gradient_norm', { layer: 'dense0' })).toBe(0.5);
    expect(valueOf(families, 'lockstep_layer_gradient_norm', { layer: 'dense2' })).toBeNaN();
    expect(valueOf(families, 'lockstep_layer_dead_ratio', { layer: 'dense0' })).toBeUndefined();
    expect(valueOf(families, 'lockstep_layer_dead_ratio', { layer: 'dense2' })).toBe(0.25);
    expect(valueOf(families, 'lockstep_transfer_bytes_total', { direction: 'received' })).toBe(4000);
  });

  it('is in one phase at a time', async () => {
    const metrics = createCoordinatorMetrics({ build, processMetrics: false });
    metrics.setPhase('training');
    metrics.setPhase('recovering');
    const current = (await scrape(metrics.registry)).get('lockstep_phase')?.samples.filter(({ value }) => value === 1);
    expect(current?.map(({ labels }) => labels['phase'])).toEqual(['recovering']);
  });

  it('compares the compute time of each worker with the median, and forgets workers that are gone', async () => {
    const metrics = createCoordinatorMetrics({ build, processMetrics: false });
    metrics.stepCommitted({ ...step, workerComputeMs: new Map([[0, 10], [1, 30], [2, 12]]) }); // prettier-ignore
    let families = await scrape(metrics.registry);
    expect(valueOf(families, 'lockstep_worker_step_time_ratio', { rank: '1' })).toBe(2.5);
    metrics.stepCommitted({ ...step, workerComputeMs: new Map([[0, 10], [2, 14]]) }); // prettier-ignore
    families = await scrape(metrics.registry);
    expect(valueOf(families, 'lockstep_worker_step_time_ratio', { rank: '1' })).toBeUndefined();
    expect(valueOf(families, 'lockstep_worker_step_time_ratio', { rank: '2' })).toBeCloseTo(14 / 12, 12);
  });

  it('shows evaluations, membership, recoveries and checkpoints', async () => {
    const metrics = createCoordinatorMetrics({ build, processMetrics: false });
    metrics.evaluated({ split: 'dev', loss: 0.3, accuracy: 0.95, scores: { f1: 0.9 } });
    metrics.stepSkipped();
    metrics.evaluated({ split: 'test', loss: Number.NaN });
    metrics.setWorkers({ joining: 1, ready: 3, lost: 2 }, 7);
    metrics.recovered();
    metrics.checkpointWritten({ durationMs: 40, sizeBytes: 5_000_000 });
    const families = await scrape(metrics.registry);
    expect(valueOf(families, 'lockstep_score', { split: 'dev', score: 'f1' })).toBe(0.9);
    expect(valueOf(families, 'lockstep_skipped_steps_total')).toBe(1);
    expect(valueOf(families, 'lockstep_loss', { split: 'dev' })).toBe(0.3);
    expect(valueOf(families, 'lockstep_accuracy', { split: 'dev' })).toBe(0.95);
    expect(valueOf(families, 'lockstep_loss', { split: 'test' })).toBeNaN();
    expect(valueOf(families, 'lockstep_accuracy', { split: 'test' })).toBeUndefined();
    expect(valueOf(families, 'lockstep_workers', { state: 'ready' })).toBe(3);
    expect(valueOf(families, 'lockstep_membership_epoch')).toBe(7);
    expect(valueOf(families, 'lockstep_recoveries_total')).toBe(1);
    expect(valueOf(families, 'lockstep_checkpoints_total')).toBe(1);
    expect(valueOf(families, 'lockstep_checkpoint_size_bytes')).toBe(5_000_000);
  });
});

describe('worker metrics', () => {
  it('shows its state, its steps and its transfers', async () => {
    const metrics = createWorkerMetrics({ build, processMetrics: false });
    metrics.setState('ready');
    metrics.stepCommitted({
      samples: 128,
      computeMs: 9,
      exchangeWaitMs: 0.3,
      dataWaitMs: 5,
      sentBytes: 10,
      receivedBytes: 20,
    });
    const families = await scrape(metrics.registry);
    expect(valueOf(families, 'lockstep_worker_state', { state: 'ready' })).toBe(1);
    expect(valueOf(families, 'lockstep_worker_state', { state: 'connecting' })).toBe(0);
    expect(valueOf(families, 'lockstep_worker_steps_total')).toBe(1);
    expect(valueOf(families, 'lockstep_worker_samples_total')).toBe(128);
    expect(valueOf(families, 'lockstep_worker_compute_duration_seconds_sum')).toBeCloseTo(0.009, 12);
    expect(valueOf(families, 'lockstep_worker_exchange_wait_duration_seconds_bucket', { le: '0.0005' })).toBe(1);
    expect(valueOf(families, 'lockstep_worker_data_wait_duration_seconds_sum')).toBeCloseTo(0.005, 12);
    expect(valueOf(families, 'lockstep_worker_transfer_bytes_total', { direction: 'received' })).toBe(20);
    expect(valueOf(families, 'lockstep_build_info', { role: 'worker' })).toBe(1);
  });
});

describe('both roles', () => {
  const exercised = (): [string, Registry][] => {
    const coordinator = createCoordinatorMetrics({ build });
    coordinator.stepCommitted({ ...step, workerComputeMs: new Map([[0, 1]]) });
    coordinator.evaluated({ split: 'dev', loss: Number.NaN });
    const worker = createWorkerMetrics({ build });
    worker.stepCommitted({
      samples: 1,
      computeMs: 1,
      exchangeWaitMs: 1,
      dataWaitMs: 5,
      sentBytes: 1,
      receivedBytes: 1,
    });
    return [
      ['coordinator', coordinator.registry],
      ['worker', worker.registry],
    ];
  };

  it('expose well-formed text with sound names, process metrics included', async () => {
    for (const [role, registry] of exercised()) {
      const families = await scrape(registry);
      expect(lintExposition(families), role).toEqual([]);
      expect([...families.keys()], role).toContain('process_resident_memory_bytes');
      const own = [...families.keys()].filter((name) => !/^(process|nodejs)_/.test(name));
      expect(
        own.every((name) => name.startsWith('lockstep_')),
        role,
      ).toBe(true);
    }
  });

  it('are documented, name by name, and nothing else is', async () => {
    const text = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8');
    const rows = text.split('\n').filter((line) => /^\| `lockstep_\w+`/.test(line));
    const documented = rows.flatMap((line) =>
      [...(line.split(' | ')[0] ?? '').matchAll(/lockstep_\w+/g)].map(([name]) => name),
    );
    const exposed = new Set<string>();
    for (const [, registry] of exercised()) for (const name of (await scrape(registry)).keys()) exposed.add(name);
    const own = [...exposed].filter((name) => name.startsWith('lockstep_') && name !== 'lockstep_build_info');
    expect(documented.sort()).toEqual(own.sort());
    expect(text).toContain('`lockstep_build_info{role, version, backend, node}`');
  });

  it('satisfy promtool wherever it is installed', async () => {
    if (spawnSync('promtool', ['--version']).error !== undefined) return;
    for (const [role, registry] of exercised()) {
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
        input: await registry.metrics(),
        encoding: 'utf8',
      });
      expect({ role, status, output: stdout + stderr }).toEqual({ role, status: 0, output: '' });
    }
  });
});
