import { describe, expect, it } from 'vitest';
import { DenseDataset } from '../../src/data/dense.js';
import type { Dataset } from '../../src/data/dataset.js';
import { EpochSampler } from '../../src/data/sampler.js';
import { Arena } from '../../src/kernels/arena.js';
import { DirectWriter } from '../../worker/direct-writer.js';
import { Staging, type Batch, type SlotNumber } from '../../worker/staging.js';

const SIZE = 20;
const WIDTH = 3;
const ROWS = 6;

/** Sample i has the features 3i, 3i + 1, 3i + 2 and the label 100 + i. */
function dataset(dtype: 'uint8' | 'float32'): DenseDataset {
  const buffer = new SharedArrayBuffer(SIZE * WIDTH * 4);
  const features = dtype === 'uint8' ? new Uint8Array(buffer, 0, SIZE * WIDTH) : new Float32Array(buffer);
  for (let i = 0; i < SIZE * WIDTH; i += 1) features[i] = i;
  const labels = new Float64Array(new SharedArrayBuffer(SIZE * 8));
  for (let sample = 0; sample < SIZE; sample += 1) labels[sample] = 100 + sample;
  return new DenseDataset([WIDTH], features, labels);
}

function rig(dtype: 'uint8' | 'float32' = 'float32') {
  let copies = 0;
  const train = dataset(dtype);
  const counted: Dataset = {
    size: SIZE,
    featureShape: [WIDTH],
    dtype,
    parts: train.parts,
    copyFeatures: (...args) => {
      copies += 1;
      train.copyFeatures(...args);
    },
    copyLabels: (...args) => train.copyLabels(...args),
  };
  const arena = Arena.create(256);
  const slot = () => ({ features: arena.allocate(ROWS * WIDTH), labels: arena.allocate(ROWS) });
  const slots = [slot(), slot()] as const;
  const sampler = new EpochSampler({ size: SIZE, seed: 7, shuffle: true });
  const splits = { train: counted, dev: train, test: null };
  const plan = { slots, rows: ROWS, seed: 7, shuffle: true, augmentation: null };
  const staging = new Staging(new DirectWriter(arena, splits, plan));
  /** This writer is done at once. */
  const use = (batch: Batch): SlotNumber => {
    const slot = staging.use(batch);
    if (typeof slot !== 'number') throw new Error('a slot was expected, found a promise');
    return slot;
  };
  /** The samples in a slot, by their labels and by their features. */
  const samples = (number: SlotNumber, rows: number): number[] => {
    const { features, labels } = slots[number];
    const ids = [...arena.floats.subarray(labels, labels + rows)].map((label) => label - 100);
    const stored = dtype === 'uint8' ? arena.bytes : arena.floats;
    const start = dtype === 'uint8' ? features * 4 : features;
    const values = [...stored.subarray(start, start + rows * WIDTH)];
    expect(values).toEqual(ids.flatMap((id) => [3 * id, 3 * id + 1, 3 * id + 2]));
    return ids;
  };
  const expected = ({ epoch, first, rows }: Batch): number[] =>
    Array.from({ length: rows }, (_, row) => (epoch === null ? first + row : sampler.sampleId(epoch, first + row)));
  return { staging, use, samples, expected, copies: () => copies };
}

const train = (first: number, rows = ROWS, epoch = 0): Batch => ({ split: 'train', epoch, first, rows });

describe('staged samples', () => {
  it.each(['uint8', 'float32'] as const)('are those of the batch, in the order of the epoch, as %s', (dtype) => {
    const { use, samples, expected } = rig(dtype);
    for (const batch of [train(0), train(6), train(12, 5), train(0, 6, 1)]) {
      expect(samples(use(batch), batch.rows)).toEqual(expected(batch));
    }
  });

  it('of other splits are in their own order', () => {
    const { use, samples } = rig();
    expect(samples(use({ split: 'dev', epoch: null, first: 3, rows: 4 }), 4)).toEqual([3, 4, 5, 6]);
  });

  it('that were prepared are in place, and what the pass under way reads is left alone', () => {
    const { staging, use, samples, expected, copies } = rig();
    let current = use(train(0));
    for (let first = 6; first < SIZE; first += 6) {
      const before = samples(current, ROWS);
      const next = train(first, Math.min(ROWS, SIZE - first));
      staging.prepare(next);
      expect(samples(current, ROWS)).toEqual(before);
      const copied = copies();
      const slot = use(next);
      expect(copies()).toBe(copied);
      expect(slot).not.toBe(current);
      expect(samples(slot, next.rows)).toEqual(expected(next));
      current = slot;
    }
  });

  it('are not prepared twice', () => {
    const { staging, use, copies } = rig();
    use(train(0));
    for (let time = 0; time < 3; time += 1) staging.prepare(train(6));
    staging.prepare(train(0));
    expect(copies()).toBe(2);
  });

  it('are put in place at once when another batch was expected', () => {
    const { staging, use, samples, expected } = rig();
    use(train(0));
    staging.prepare(train(6));
    for (const batch of [train(3), train(3, 4), train(3, 4, 1)]) {
      expect(samples(use(batch), batch.rows)).toEqual(expected(batch));
    }
  });

  it('of the step before are still there for another attempt', () => {
    const { staging, use, samples, expected, copies } = rig();
    use(train(0));
    staging.prepare(train(6));
    const copied = copies();
    expect(samples(use(train(0)), ROWS)).toEqual(expected(train(0)));
    expect(copies()).toBe(copied);
  });

  it('may be none', () => {
    const { staging, use, copies } = rig();
    use(train(0));
    staging.prepare(train(6, 0));
    expect(copies()).toBe(1);
  });

  it('do not count as there when they could not all be read', () => {
    const { use } = rig();
    expect(() => use(train(SIZE - 2))).toThrow(RangeError);
    expect(() => use(train(SIZE - 2))).toThrow(RangeError);
    expect(() => use({ split: 'test', epoch: null, first: 0, rows: 1 })).toThrow('no test split');
  });
});
