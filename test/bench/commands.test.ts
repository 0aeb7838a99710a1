/** Each benchmark once, small and quick: that it runs, and what it writes. What it measures is not looked at. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run, workplace } from '../support/processes.js';

const TIMEOUT_MS = 120_000;
const folder = workplace();
const time = expect.any(Number) as number;
const summary = { median: time, best: time };

async function bench(name: string, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const file = join(folder, `${name}.json`);
  const { code, stdout, stderr } = await run(['bench', name, '--quick', '--json', file, ...args]);
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
  const report = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  expect(report).toMatchObject({ benchmark: name, quick: true, machine: { cpus: time, load: time } });
  expect(stdout).toContain(`lockstep bench ${name}`);
  return report;
}

describe('lockstep bench', { timeout: TIMEOUT_MS }, () => {
  it('kernels', async () => {
    const { products, memory } = await bench('kernels');
    expect(products).toContainEqual(
      expect.objectContaining({ inputs: 512, units: 256, product: 'weight gradient', shards: 8 }),
    );
    expect(memory).toContainEqual(
      expect.objectContaining({ kernel: 'adam', rows: 256, cols: 512, bytes: 28 * 256 * 512, share: time }),
    );
  });

  it('allreduce', async () => {
    const only = ['--processes', '2', '--max-bytes', '4096', '--formats', 'float32,float16', '--no-peers'];
    const { measurements } = await bench('allreduce', ...only);
    const expected = [4, 4096].flatMap((bytes) =>
      ['', ', float16'].flatMap((format) =>
        ['star, shm', 'mesh, shm', 'star, grpc', 'mesh, grpc'].map((way) => [`${way}${format}`, bytes]),
      ),
    );
    const found = measurements as { readonly contestant: string; readonly bytes: number }[];
    expect(found.map(({ contestant, bytes }) => [contestant, bytes])).toEqual(expected);
    for (const measurement of found)
      expect(measurement).toMatchObject({ processes: 2, ms: summary, busBandwidth: time, ratio: null });
  });

  it('train', async () => {
    const { jobs } = await bench('train', '--jobs', 'small', '--no-peers');
    const parts = { computeMs: time, waitMs: time, communicationMs: time, updateMs: time };
    expect(jobs).toMatchObject([
      {
        job: 'small',
        widths: [64, 128, 64, 10],
        contestants: ['Lockstep 1×1', 'Lockstep 1×2', 'Lockstep 2×1'].map((name) => ({ name, ms: summary, parts })),
      },
    ]);
  });

  it('scale', async () => {
    const { byWorkers, overLink } = await bench('scale', '--workers', '2', '--no-link');
    const step = { stepMs: time, overheadMs: time, cpuMs: time, sentBytes: time, receivedBytes: time };
    expect(byWorkers).toMatchObject(
      ['star', 'mesh'].map((collective) => ({ collective, workers: 2, weak: step, strong: step })),
    );
    expect(overLink).toEqual([]);
  });

  it('refuses what it does not know before it measures anything', async () => {
    const { code, stderr } = await run(['bench', 'train', '--jobs', 'tiny']);
    expect(code).toBe(64);
    expect(stderr).toContain('there is no job tiny');
    const unwritable = await run(['bench', 'kernels', '--json', join(folder, 'missing', 'file.json')]);
    expect(unwritable.code).toBe(64);
    expect(unwritable.stderr).toContain('cannot be written');
  });
});
