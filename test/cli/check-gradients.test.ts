import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fileURLToPath } from 'node:url';
import { prepareJob } from '../../coordinator/prepare.js';
import { check } from '../../src/cli/check.js';
import { checkJobGradients, renderGradients, wrongTensors } from '../../src/cli/check-gradients.js';
import { loadJob } from '../../src/job/load.js';
import type { KernelFactory, Kernels } from '../../src/kernels/kernels.js';

/** A defect to put into the reference kernels, which backpropagate in float64. */
const defect = vi.hoisted(() => ({ columnSums: false }));

vi.mock('../../src/kernels/reference/reference-kernels.js', async (load) => {
  const original = await load<{ createReferenceKernels: KernelFactory }>();
  const createReferenceKernels: KernelFactory = (arena, scratch): Kernels => {
    const kernels = original.createReferenceKernels(arena, scratch);
    return {
      ...kernels,
      columnSums(rows, cols, x, out) {
        kernels.columnSums(rows, cols, x, out);
        if (defect.columnSums) kernels.scale(cols, 1.05, out);
      },
    };
  };
  return { createReferenceKernels };
});

const example = (name: string): string => fileURLToPath(new URL(`../../examples/${name}.yaml`, import.meta.url));

async function checkExample(name: string, samples?: number) {
  const { job, baseDir } = loadJob(example(name));
  return checkJobGradients(await prepareJob(job, baseDir, 'wasm'), samples);
}

describe('the gradients of every example', () => {
  it.each([
    ['logistic', undefined],
    ['regression', undefined],
    ['dropout', undefined],
    // Half a million weights: a pass of few samples takes long enough here.
    ['mnist', 4],
  ])('are right: %s', async (name, samples) => {
    const facts = await checkExample(name, samples);
    expect(facts.verdict).toBe('right');
    expect(facts.tensors.filter(({ verdict }) => verdict !== 'right')).toEqual([]);
    expect(wrongTensors(facts)).toEqual([]);
    for (const { error, single } of facts.tensors) {
      expect(error).toBeLessThan(1e-6);
      expect(single?.error).toBeGreaterThan(0);
    }
  });

  it('are shown with the samples and shards that they were checked on', async () => {
    const text = renderGradients(await checkExample('dropout'));
    expect(text).toContain('16 samples in 4 logical shards');
    expect(text).toMatch(/^0\.dense\.weight +960 +8 \+ 2 directions .* right +\d\.\de-\d+ +right$/m);
    expect(text).toMatch(/^6\.dense\.bias +1 +all .* right/m);
    expect(text).not.toContain('WRONG');
  });
});

describe('a wrong gradient', () => {
  const printed = { stdout: '', stderr: '' };
  const exitCode = process.exitCode;
  const flags = { set: [], backend: 'wasm', gradients: true } as const;

  beforeEach(() => {
    defect.columnSums = true;
    Object.assign(printed, { stdout: '', stderr: '' });
    for (const stream of ['stdout', 'stderr'] as const) {
      vi.spyOn(process[stream], 'write').mockImplementation((text) => {
        printed[stream] += String(text);
        return true;
      });
    }
  });

  afterEach(() => {
    defect.columnSums = false;
    vi.restoreAllMocks();
    process.exitCode = exitCode;
  });

  it('is named, and is a defect of Lockstep to the exit code', async () => {
    await check(example('regression'), flags);
    expect(process.exitCode).toBe(70);
    expect(printed.stderr).toContain('lockstep: the gradient of 0.dense.bias, 2.dense.bias is wrong');
    expect(printed.stderr).toContain('defect of Lockstep');
    expect(printed.stdout).toMatch(/^0\.dense\.bias .* WRONG/m);
    expect(printed.stdout).toMatch(/^0\.dense\.weight .* right/m);
  });

  it('is in the JSON', async () => {
    await check(example('regression'), { ...flags, json: true });
    expect(process.exitCode).toBe(70);
    const { gradients } = JSON.parse(printed.stdout) as {
      gradients: { verdict: string; backend: string; tensors: { name: string; verdict: string }[] };
    };
    expect(gradients).toMatchObject({ verdict: 'wrong', backend: 'wasm', samples: 16, shards: 4 });
    expect(gradients.tensors.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['0.dense.weight', 'right'],
      ['0.dense.bias', 'wrong'],
      ['2.dense.weight', 'right'],
      ['2.dense.bias', 'wrong'],
    ]);
  });
});
