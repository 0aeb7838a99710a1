import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadJob } from '../../src/job/load.js';
import { loadSearch } from '../../src/search/load.js';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
const SCHEMA_LINE = /^# yaml-language-server: \$schema=(\S+)\n/;

describe.each(
  files.filter((file) => SCHEMA_LINE.exec(readFileSync(folder + file, 'utf8'))?.[1] === '../schema/job.schema.json'),
)('examples/%s', (file) => {
  const { job, defaults } = loadJob(folder + file);

  it('is a valid job, named after its file', () => {
    expect(job.name).toBe(file.replace('.yaml', ''));
    expect(defaults).not.toEqual([]);
  });

  it('finds its columns in its data', () => {
    const { train } = job.data;
    if (train.format !== 'csv') {
      expect(train.features).toMatch(/^package:/);
      return;
    }
    expect(existsSync(folder + train.path)).toBe(true);
    const header = readFileSync(folder + train.path, 'utf8')
      .split('\n', 1)
      .join()
      .split(train.delimiter);
    expect(header).toEqual(expect.arrayContaining([train.label, ...train.ignore, ...train.categorical]));
  });
});

it('examples/mnist.yaml is the reference job', () => {
  const { model, training, cluster } = loadJob(`${folder}mnist.yaml`).job;
  // A dense layer takes a sample of any shape, so that a flatten before the first one changes nothing.
  const layers = model.layers.filter(({ type }) => type !== 'flatten');
  expect(layers.map((layer) => (layer.type === 'dense' ? layer.units : layer.type))).toEqual([
    512,
    'batchNorm',
    'relu',
    256,
    'batchNorm',
    'relu',
    10,
  ]);
  expect(training).toMatchObject({ batchSize: 256, shards: 8, optimizer: { type: 'adam' } });
  expect(cluster.workers).toBe(2);
});

it.each([
  ['breast-cancer.csv', 569, 31],
  ['boston-housing.csv', 506, 15],
])('examples/data/%s is a full table of %i rows and %i columns', (file, rows, columns) => {
  const lines = readFileSync(`${folder}data/${file}`, 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(rows + 1);
  const [header = [], ...values] = lines.map((line) => line.split(','));
  expect(header).toHaveLength(columns);
  expect(new Set(header).size).toBe(columns);
  expect(
    values.every(
      (row) => row.length === columns && row.every((value) => value !== '' && Number.isFinite(Number(value))),
    ),
  ).toBe(true);
});

it('examples/search.yaml is a valid search, and shows every kind of space for numbers', () => {
  const { search } = loadSearch(`${folder}search.yaml`);
  expect(search.plan.parameters.map(({ space }) => space.type)).toEqual(['log', 'oneMinusLog', 'integer', 'choice']);
  expect(search.plan.halving).not.toBeNull();
});
