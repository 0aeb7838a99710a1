import { expect, it } from 'vitest';
import { SmoothedMean } from '../../src/common/smoothed-mean.js';

it('is v / (1 − βᵗ), with v ← β·v + (1 − β)·x', () => {
  const beta = 0.9;
  const mean = new SmoothedMean(beta);
  expect(mean.value).toBeNull();
  let v = 0;
  [3, -1, 4, 1, -5, 9, 2, 6].forEach((x, i) => {
    mean.add(x);
    v = beta * v + (1 - beta) * x;
    expect(mean.value).toBeCloseTo(v / (1 - beta ** (i + 1)), 12);
  });
});

it('goes on from where another one stood', () => {
  const through = new SmoothedMean(0.98);
  [5, 3, 8].forEach((x) => through.add(x));
  const resumed = new SmoothedMean(0.98, through.state);
  [1, 7].forEach((x) => [through, resumed].forEach((mean) => mean.add(x)));
  expect(resumed.value).toBe(through.value);
});
