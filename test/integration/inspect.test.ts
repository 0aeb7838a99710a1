/** `check` and `doctor`: what a user can find out before anything is trained. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageVersion } from '../../src/common/package.js';
import { run, workplace } from '../support/processes.js';
import { EPOCHS, FEATURES, SIZES, STEPS_PER_EPOCH, writeSmallJob } from './small-job.js';

const TIMEOUT_MS = 240_000;
const folder = workplace();
const jobFolder = join(folder, 'job');
const job = writeSmallJob(jobFolder);
/** 20-32-16-4 with batch norm after the hidden layers, and a bias only where none follows. */
const PARAMETERS = FEATURES * 32 + 2 * 32 + 32 * 16 + 2 * 16 + 16 * 4 + 4;
const STATISTICS = 2 * 32 + 2 * 16;
/** Tensors begin at multiples of 16 elements, and travel so: the bias of 4 takes the room of 16. */
const PADDING = 12;

async function output(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(args, { cwd: folder });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

describe('check', { timeout: TIMEOUT_MS }, () => {
  it('--json: layers, sizes, memory and traffic', async () => {
    const facts = JSON.parse(await output(['check', job, '--json', '--workers', '2'])) as Record<string, unknown>;
    expect(facts).toMatchObject({
      samples: SIZES,
      parameters: PARAMETERS,
      stepsPerEpoch: STEPS_PER_EPOCH,
      totalSteps: EPOCHS * STEPS_PER_EPOCH,
      // Two workers with four of the eight shards each: one subtree per worker.
      wirePerStep: {
        gradientBytes: 2 * 4 * (PARAMETERS + PADDING),
        weightBytes: 2 * 4 * (PARAMETERS + PADDING + STATISTICS),
        // Forward and backward, in and out, at both layers.
        exchangeBytes: 2 * (2 * 2) * 4 * (2 * 32 + 2 * 16),
      },
    });
    const layers = facts['layers'] as readonly Record<string, unknown>[];
    expect(layers.map(({ index, type, output: shape, parameters }) => [index, type, shape, parameters])).toEqual([
      [0, 'dense', [32], FEATURES * 32],
      [1, 'batchNorm', [32], 64],
      [2, 'relu', [32], 0],
      [3, 'dropout', [32], 0],
      [4, 'dense', [16], 32 * 16],
      [5, 'batchNorm', [16], 32],
      [6, 'relu', [16], 0],
      [7, 'dense', [4], 16 * 4 + 4],
    ]);
    const defaults = facts['defaults'] as readonly { readonly path: string; readonly value: unknown }[];
    const filled = new Map(defaults.map(({ path, value }) => [path, value]));
    expect(filled.get('training.optimizer.beta1')).toBe(0.9);
    expect(filled.get('training.loss')).toBe('softmaxCrossEntropy');
    expect(filled.get('model.layers[0].bias')).toBe(false);
    expect(filled.has('training.shards')).toBe(false);
  });

  it('as text: the same for people; nothing is trained', async () => {
    const text = await output(['check', job]);
    expect(text).toContain('is a valid job: small, seed 7');
    for (const fact of [
      'batchNorm',
      'train 773, dev 120, test 107',
      '96 samples in 8 logical shards',
      '9 per epoch, 27 in 3 epochs',
    ]) {
      expect(text).toContain(fact);
    }
    expect(text).toContain('training.optimizer.beta2: 0.999');
    expect(readdirSync(folder)).toEqual(['job']);
    expect(existsSync(join(jobFolder, 'runs'))).toBe(false);
  });
});

describe('doctor', { timeout: TIMEOUT_MS }, () => {
  interface Backend {
    readonly backend: string;
    readonly available: boolean;
    readonly gflops: number | null;
  }

  it('--json: the machine, and what each backend does on it', async () => {
    const facts = JSON.parse(await output(['doctor', '--json'])) as Record<string, unknown>;
    expect(facts).toMatchObject({ lockstep: packageVersion(), node: process.version });
    expect(facts['cores']).toBeGreaterThan(0);
    const backends = facts['backends'] as readonly Backend[];
    expect(backends.map(({ backend }) => backend).sort()).toEqual(['openblas', 'reference', 'wasm']);
    for (const { available, gflops } of backends) {
      if (available) expect(gflops).toBeGreaterThan(0);
      else expect(gflops).toBeNull();
    }
    const speed = (name: string): number => backends.find(({ backend }) => backend === name)?.gflops ?? 0;
    expect(speed('wasm')).toBeGreaterThan(speed('reference'));
    expect(facts['auto']).toBe(speed('openblas') > 0 ? 'openblas' : 'wasm');
  });

  it('as text: the same for people', async () => {
    const text = await output(['doctor']);
    expect(text).toContain(`Lockstep ${packageVersion()} on Node ${process.version}`);
    expect(text).toMatch(/^(openblas|wasm) \*/m);
    expect(text).toContain('reference');
  });
});
