import { describe, expect, it } from 'vitest';
import { sizeJob } from '../../src/job/batch-size.js';
import { parseJob } from '../../src/job/load.js';

const JOB = `data: { task: classification, train: { format: csv, path: a.csv, label: y } }
model: { layers: [{ type: dense, units: 3 }] }
`;
const batchOf = (samples: number, ...overrides: string[]): number =>
  sizeJob(parseJob(JOB, { file: 'job.yaml', overrides }).job, samples).training.batchSize;

describe('the batch size that a job leaves open', () => {
  it.each([
    [1, 0],
    [1_999, 0],
    [2_000, 256],
    [55_000, 256],
  ])('%i training samples: %i, where 0 stands for all', (samples, expected) => {
    expect(batchOf(samples)).toBe(expected);
  });

  it.each([
    ['full', 0],
    ['0', 0],
    ['1', 1],
    ['64', 64],
  ])('stays %s where it is given', (given, expected) => {
    expect(batchOf(100, `training.batchSize=${given}`)).toBe(expected);
    expect(batchOf(100_000, `training.batchSize=${given}`)).toBe(expected);
  });
});
