/** The files of a run are a contract: scripts and other libraries read them. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageVersion } from '../../src/common/package.js';
import { run, workplace } from '../support/processes.js';
import { train } from './cluster.js';
import { measured, type Results } from './results.js';
import { readSafetensors } from './safetensors.js';
import { CLASSES, EPOCHS, FEATURES, STEPS_PER_EPOCH, writeSmallJob } from './small-job.js';

const TIMEOUT_MS = 240_000;
const STEPS = EPOCHS * STEPS_PER_EPOCH;
const folder = workplace();
const job = writeSmallJob(join(folder, 'job'));
const out = join(folder, 'run');
let results: Results;

beforeAll(async () => {
  results = await train(job, out, ['--workers', '2', '--set', 'training.checkpoint.everySteps=10']);
}, TIMEOUT_MS);

describe('the run directory', () => {
  it('holds the record, metrics, events, model and the newest checkpoints, and nothing else', () => {
    expect(readdirSync(out).sort()).toEqual([
      'checkpoints',
      'evaluation.json',
      'events.jsonl',
      'metrics.jsonl',
      'model.safetensors',
      'run.json',
    ]);
    expect(readdirSync(join(out, 'checkpoints')).sort()).toEqual([
      'step-00000020.safetensors',
      'step-00000027.safetensors',
    ]);
  });

  it('has a record of the resolved job and of how the run went', () => {
    const { record } = results;
    expect(record).toMatchObject({
      version: packageVersion(),
      backend: 'wasm',
      seed: 7,
      status: 'done',
      step: STEPS,
      steps: STEPS,
      epoch: EPOCHS,
      workers: 2,
      weightsSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
      jobHash: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
    });
    expect(record.job.name).toBe('small');
    expect(record.job.training).toMatchObject({ shards: 8, shuffle: true, optimizer: { type: 'adam', beta1: 0.9 } });
    expect(record.job.cluster.workers).toBe(2);
    expect(Object.keys(record.final)).toEqual(['train', 'dev', 'test']);
    expect(Date.parse(record.finishedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(record.startedAt));
    expect(record.normalization?.mean).toHaveLength(FEATURES);
    expect(record.normalization?.inverseDeviation).toHaveLength(FEATURES);
  });

  it('has a line of metrics per step and per evaluation, in order', () => {
    const steps = results.metrics.filter(({ evaluation }) => evaluation !== true);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, step) => step + 1));
    expect(steps.map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: STEPS }, (_, step) => 1 + Math.floor(step / STEPS_PER_EPOCH)),
    );
    for (const line of steps) {
      expect(Object.keys(line).filter((key) => key !== 'layers')).toEqual([
        'step',
        'epoch',
        'split',
        'loss',
        'cost',
        'smoothedCost',
        'accuracy',
        'learningRate',
        'gradientNorm',
        'samplesPerSecond',
        'workers',
        'time',
      ]);
      expect(line.split).toBe('train');
      expect(line.cost).toBeGreaterThan(line.loss ?? Infinity);
      expect(line.workers).toBe(2);
      expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
    // The layers are looked at in the first step and every fourth.
    expect(steps.filter(({ layers }) => layers !== undefined).map(({ step }) => step)).toEqual([
      1, 5, 9, 13, 17, 21, 25,
    ]);
    expect(steps[0]?.layers?.map(({ name }) => name)).toEqual([
      'dense0',
      'batchNorm1',
      'dense4',
      'batchNorm5',
      'dense7',
    ]);
    expect(steps.map(({ learningRate }) => learningRate).filter((rate, i, all) => rate !== all[i - 1])).toEqual(
      [0.01, 0.009, 0.0081].map((rate) => expect.closeTo(rate, 12) as number),
    );
    const evaluations = results.metrics.filter(({ evaluation }) => evaluation === true);
    expect(evaluations.map(({ split, step }) => [split, step])).toEqual([
      ['dev', 9],
      ['dev', 18],
      ['train', 27],
      ['dev', 27],
      ['test', 27],
    ]);
    expect(evaluations.map(({ final }) => final)).toEqual([undefined, undefined, true, true, true]);
    const last = evaluations
      .slice(-3)
      .map(({ split, loss, accuracy, precision, recall, f1 }) => [split, { loss, accuracy, precision, recall, f1 }]);
    expect(Object.fromEntries(last)).toEqual(results.record.final);
  });

  it('has the events of the cluster: who came, what was saved', () => {
    const types = results.events.map(({ type }) => type);
    expect(types).toEqual(['membership', 'membership', 'checkpoint', 'checkpoint', 'checkpoint']);
    const checkpoints = results.events.filter(({ type }) => type === 'checkpoint');
    expect(checkpoints.map((event) => event['step'])).toEqual([10, 20, 27]);
    expect(checkpoints.at(-1)?.['weightsSha256']).toBe(results.record.weightsSha256);
  });
});

describe('model.safetensors', () => {
  it('names tensors by layer and weight, with weights shaped [out, in]', () => {
    const { tensors } = readSafetensors(join(out, 'model.safetensors'));
    expect(tensors.map(({ name, shape }) => [name, shape])).toEqual([
      ['0.dense.weight', [32, FEATURES]],
      ['1.batchNorm.gamma', [32]],
      ['1.batchNorm.beta', [32]],
      ['1.batchNorm.running_mean', [32]],
      ['1.batchNorm.running_var', [32]],
      ['4.dense.weight', [16, 32]],
      ['5.batchNorm.gamma', [16]],
      ['5.batchNorm.beta', [16]],
      ['5.batchNorm.running_mean', [16]],
      ['5.batchNorm.running_var', [16]],
      ['7.dense.weight', [CLASSES.length, 16]],
      ['7.dense.bias', [CLASSES.length]],
    ]);
    for (const { dtype } of tensors) expect(dtype).toBe('F32');
  });

  it('has the fingerprint that the record tells', () => {
    const { tensors } = readSafetensors(join(out, 'model.safetensors'));
    const hash = createHash('sha256');
    for (const { bytes } of tensors) hash.update(bytes);
    expect(hash.digest('hex')).toBe(results.record.weightsSha256);
  });
});

describe('--max-steps 0', () => {
  it('writes the initial weights, the same for any number of workers', { timeout: TIMEOUT_MS }, async () => {
    const alone = await train(job, join(folder, 'initial-1'), ['--max-steps', '0', '--workers', '1']);
    const cluster = await train(job, join(folder, 'initial-2'), ['--max-steps', '0', '--workers', '2']);
    expect(alone.record.step).toBe(0);
    expect(alone.record.weightsSha256).not.toBe(results.record.weightsSha256);
    expect(cluster.record.weightsSha256).toBe(alone.record.weightsSha256);
    expect(measured(cluster)).toEqual(measured(alone));

    const { tensors } = readSafetensors(join(folder, 'initial-1', 'model.safetensors'));
    const valuesOf = (name: string): Float32Array => {
      const bytes = tensors.find((tensor) => tensor.name === name)?.bytes ?? new Uint8Array();
      return new Float32Array(bytes.slice().buffer);
    };
    expect(new Set(valuesOf('1.batchNorm.gamma'))).toEqual(new Set([1]));
    expect(new Set(valuesOf('7.dense.bias'))).toEqual(new Set([0]));
    const weights = valuesOf('0.dense.weight');
    const variance = weights.reduce((sum, value) => sum + value * value, 0) / weights.length;
    expect(variance).toBeGreaterThan((2 / FEATURES) * 0.75);
    expect(variance).toBeLessThan((2 / FEATURES) * 1.25);
  });
});

describe('a run directory that holds results', () => {
  it('is not written to by another run', { timeout: TIMEOUT_MS }, async () => {
    const files = ['run.json', 'metrics.jsonl', 'events.jsonl', 'model.safetensors'];
    const contents = (): string[] =>
      files.map((file) =>
        createHash('sha256')
          .update(readFileSync(join(out, file)))
          .digest('hex'),
      );
    const before = contents();
    const { code, stderr } = await run(['train', job, '--out', out, '--backend', 'wasm', '--quiet', '--set', 'seed=9']);
    expect(code, stderr).toBe(64);
    expect(stderr).toMatch(/^lockstep: .* holds the results of a run already/);
    expect(stderr).toContain('--resume auto');
    expect(contents()).toEqual(before);
  });
});

describe('without --out', () => {
  it('takes the next free number below runs/', { timeout: TIMEOUT_MS }, async () => {
    const cwd = join(folder, 'job');
    const args = ['train', 'small.yaml', '--backend', 'wasm', '--max-steps', '1', '--json'];
    for (const number of [1, 2]) {
      const { code, stdout, stderr } = await run(args, { cwd });
      expect(code, stderr).toBe(0);
      const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
      expect(summary).toMatchObject({ event: 'summary', runDirectory: join('runs', `small-${number}`) });
      expect(statSync(join(cwd, 'runs', `small-${number}`, 'model.safetensors')).size).toBeGreaterThan(0);
    }
    expect(existsSync(join(cwd, 'runs', 'small-3'))).toBe(false);
  });
});
