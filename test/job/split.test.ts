import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/common/errors.js';
import { sizeJob } from '../../src/job/batch-size.js';
import { jobHash } from '../../src/job/hash.js';
import { jobJsonSchema } from '../../src/job/json-schema.js';
import { parseJob } from '../../src/job/load.js';

const jobText = (split: string, ...more: readonly string[]): string =>
  [
    'data:',
    '  task: classification',
    '  train: { format: csv, path: a.csv, label: y }',
    `  split: ${split}`,
    ...more.map((line) => `  ${line}`),
    'model: { layers: [{ type: dense, units: 3 }] }',
  ].join('\n');

const splitOf = (split: string, ...overrides: readonly string[]) =>
  parseJob(jobText(split), { file: 'job.yaml', overrides }).job.data.split;

function messageOf(text: string, ...overrides: readonly string[]): string {
  try {
    parseJob(text, { file: 'job.yaml', overrides });
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'job') return error.message;
    throw error;
  }
  return 'no error';
}

describe('data.split as ratios', () => {
  it.each([
    ['60/20/20', 0.2, 0.2],
    ['98/1/1', 0.01, 0.01],
    ['70/30', 0, 0.3],
    ['3/1/1', 0.2, 0.2],
    ['0.6/0.3/0.1', 0.3, 0.1],
    ['60 / 20 / 20', 0.2, 0.2],
    ["'1/1'", 0, 0.5],
    ['60000/10000', 0, 1 / 7],
  ])('%s', (split, dev, test) => {
    const found = splitOf(split);
    expect(found.dev).toBeCloseTo(dev, 15);
    expect(found.test).toBeCloseTo(test, 15);
  });

  it('are whatever the ratios of their numbers are', () => {
    const ratio = fc.integer({ min: 1, max: 100_000 }).map((value) => value / 100);
    fc.assert(
      fc.property(ratio, ratio, ratio, (train, dev, test) => {
        const found = splitOf(`${train}/${dev}/${test}`);
        expect(found.dev / found.test).toBeCloseTo(dev / test, 8);
        expect((1 - found.dev - found.test) / (found.dev + found.test)).toBeCloseTo(train / (dev + test), 8);
      }),
      { numRuns: 40 },
    );
  });

  it('are the same job as the mapping they stand for, with nothing left to fill in', () => {
    const short = parseJob(jobText('60/20/20'), { file: 'job.yaml' });
    const full = parseJob(jobText('{ dev: 0.2, test: 0.2 }'), { file: 'job.yaml' });
    expect(jobHash(sizeJob(short.job, 500))).toBe(jobHash(sizeJob(full.job, 500)));
    expect(short.defaults).toEqual(full.defaults);
  });

  it('can be given, and changed, on the command line', () => {
    expect(splitOf('70/30', 'data.split=98/1/1')).toEqual({ dev: 0.01, test: 0.01 });
    expect(splitOf('80/20', 'data.split.dev=0.1')).toEqual({ dev: 0.1, test: 0.2 });
  });

  it.each(['60-20-20', '0/50/50', '60/20/20/1', '60%/40%', '60/-20/20', '60/20/', '/', '1/1e3', `1/${'9'.repeat(40)}`])(
    'are not %s',
    (split) => {
      expect(messageOf(jobText(split))).toMatch(
        /^job\.yaml:4:10: data\.split: expected ratios above 0, train\/dev\/test as in 60\/20\/20 or train\/test as in 70\/30, or a mapping, found "/,
      );
      expect(messageOf(jobText('70/30'), `data.split=${split}`)).toContain(
        `--set data.split=${split}: expected ratios`,
      );
    },
  );

  it('of one number are refused as what it is', () => {
    expect(messageOf(jobText('80'))).toContain('or a mapping, found 80');
  });

  it.each([
    ['60/20/20', 'dev', 'test', '0.2', '{ test: 0.2 }'],
    ['60/30/10', 'test', 'dev', '0.1', '{ dev: 0.3 }'],
    // Two ratios are train and test; beside a test source, what was meant is dev.
    ['70/30', 'test', 'dev', '0.3', '{ dev: 0.3 }'],
  ])('%s beside data.%s: says so, and what to write for %s alone', (split, taken, other, found, instead) => {
    const text = jobText(split, `${taken}: { format: csv, path: b.csv, label: y }`);
    expect(messageOf(text)).toBe(
      `job.yaml:5:${taken.length + 5}: data.split.${taken}: expected no share, as data.${taken} has samples of its own; ` +
        `found ${found}; for a ${other} split alone write split: ${instead}`,
    );
  });

  it('beside both sources are to be removed', () => {
    const source = '{ format: csv, path: b.csv, label: y }';
    const lines = messageOf(jobText('60/20/20', `dev: ${source}`, `test: ${source}`)).split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toContain('; remove data.split');
  });

  it('are in the JSON Schema, by the pattern that decides', () => {
    const schema = JSON.stringify(jobJsonSchema());
    const { pattern = '' } = /"pattern":"(?<pattern>[^"]*\/[^"]*)"/.exec(schema)?.groups ?? {};
    const accepts = new RegExp(JSON.parse(`"${pattern}"`) as string);
    for (const split of ['60/20/20', '70/30', '0.5 / 0.5']) expect(split).toMatch(accepts);
    for (const split of ['60', '0/1', '60/20/20/1', 'adam']) expect(split).not.toMatch(accepts);
  });
});
