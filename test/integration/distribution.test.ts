/** Splits that are not of one kind: said before and during training, in all the places where somebody may look. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run, workplace } from '../support/processes.js';
import { normalValues } from '../support/random-values.js';

const TIMEOUT_MS = 240_000;
const folder = workplace();

/** Height and weight, with a test split of taller people. */
function writeJob(name: string, taller: number): string {
  const at = join(folder, name);
  mkdirSync(at, { recursive: true });
  const rows = (count: number, seed: number, shift: number): string => {
    const values = normalValues(3 * count, seed);
    const lines = Array.from({ length: count }, (_, i) => {
      const [height, weight, noise] = [0, 1, 2].map((j) => values[3 * i + j] ?? 0);
      return [170 + 8 * ((height ?? 0) + shift), 70 + 9 * (weight ?? 0), (noise ?? 0) > 0 ? 'yes' : 'no'].join();
    });
    return ['height,weight,sick', ...lines, ''].join('\n');
  };
  writeFileSync(join(at, 'train.csv'), rows(600, 1, 0));
  writeFileSync(join(at, 'test.csv'), rows(300, 2, taller));
  const job = join(at, 'job.yaml');
  writeFileSync(
    job,
    `data:
  task: classification
  train: { format: csv, path: train.csv, label: sick }
  test: { format: csv, path: test.csv, label: sick }
  split: { dev: 0.25 }
model: { layers: [{ type: dense, units: 1 }] }
training: { epochs: 1, batchSize: 150, shards: 2 }
`,
  );
  return job;
}

const SENTENCE =
  /don't look like samples of one distribution: height 1\d\d against 1\d\d \(0\.\d\d standard deviations\)/;

describe('a test split of another kind', { timeout: TIMEOUT_MS }, () => {
  const job = writeJob('shifted', 0.7);

  it('is seen by check', async () => {
    const { code, stdout } = await run(['check', job], { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^train, dev +alike/m);
    expect(stdout).toMatch(/^train, test +DIFFER .* height 1\d\d against 1\d\d/m);
    expect(stdout).toMatch(/^dev, test +DIFFER/m);
    expect(stdout).toMatch(SENTENCE);
    const json = await run(['check', job, '--json'], { cwd: folder });
    const { distributions } = JSON.parse(json.stdout) as { distributions: readonly Record<string, unknown>[] };
    expect(distributions.map(({ verdict }) => verdict)).toEqual(['alike', 'differ', 'differ']);
  });

  it.each([1, 2])('is a warning and an event of a run with %i workers', async (workers) => {
    const out = join(folder, `run-${workers}`);
    const args = ['train', job, '--out', out, '--workers', String(workers), '--backend', 'wasm', '--json'];
    const { code, stderr } = await run(args, { cwd: folder });
    expect(code).toBe(0);
    const warnings = stderr.split('\n').filter((line) => SENTENCE.test(line));
    expect(warnings).toHaveLength(2);
    expect(JSON.parse(warnings[0] ?? '')).toMatchObject({ level: 'warn', splits: ['train', 'test'] });
    const events = readFileSync(join(out, 'events.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ type }) => type === 'distribution');
    expect(events.map(({ splits }) => splits)).toEqual([
      ['train', 'test'],
      ['dev', 'test'],
    ]);
    expect(events[0]).toMatchObject({ shifts: [{ kind: 'feature', name: 'height' }] });
    expect(events[0]?.['reason']).toMatch(SENTENCE);
  });
});

it('a test split of the same kind is not worth a word', { timeout: TIMEOUT_MS }, async () => {
  const job = writeJob('alike', 0);
  const out = join(folder, 'run-alike');
  const { code, stderr } = await run(['train', job, '--out', out, '--json'], { cwd: folder });
  expect(code).toBe(0);
  expect(stderr).not.toContain('distribution');
  expect(readFileSync(join(out, 'events.jsonl'), 'utf8')).not.toContain('distribution');
});

it('--samples without --gradients is a slip', { timeout: TIMEOUT_MS }, async () => {
  const { code, stderr } = await run(['check', writeJob('samples', 0), '--samples', '8'], { cwd: folder });
  expect(code).toBe(64);
  expect(stderr).toContain('add --gradients');
});
