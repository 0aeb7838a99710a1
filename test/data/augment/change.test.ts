import { describe, expect, it } from 'vitest';
import { changesImages, drawChange, noChange, type Change } from '../../../src/data/augment/change.js';
import type { AugmentationSpec } from '../../../src/job/job.js';
import { EVERYTHING, NOTHING } from './helpers.js';

const SHAPE = { height: 20, width: 30, channels: 1 };

function draw(epoch: number, sample: number, spec: AugmentationSpec = EVERYTHING, seed = 1): Change {
  const change = noChange(spec);
  drawChange(spec, SHAPE, seed, epoch, sample, change);
  return change;
}

const MANY = Array.from({ length: 4000 }, (_, sample) => draw(2, sample));

describe('the change of a sample', () => {
  it('depends on seed, epoch and sample, and on nothing else', () => {
    expect(draw(4, 17)).toEqual(draw(4, 17));
    const others = [draw(4, 17), draw(5, 17), draw(4, 18), draw(4, 17, EVERYTHING, 2)];
    expect(new Set(others.map(({ angle }) => angle)).size).toBe(4);
    expect(new Set(others.map(({ displacements }) => displacements[5])).size).toBe(4);
  });

  it('of one kind is the same whatever else is switched on', () => {
    const { angle, shiftX } = draw(1, 5);
    expect(draw(1, 5, { ...NOTHING, rotation: EVERYTHING.rotation })).toEqual({ ...noChange(NOTHING), angle });
    expect(draw(1, 5, { ...NOTHING, shift: EVERYTHING.shift }).shiftX).toBe(shiftX);
  });

  it('is none where nothing is switched on', () => {
    expect(draw(3, 8, NOTHING)).toEqual(noChange(NOTHING));
  });

  it('mirrors half of them', () => {
    const flipped = MANY.filter(({ flip }) => flip).length;
    // Four standard deviations.
    expect(Math.abs(flipped - 2000)).toBeLessThan(4 * Math.sqrt(1000));
  });

  it('crops at every place within the padding, equally often', () => {
    for (const key of ['cropX', 'cropY'] as const) {
      for (let place = -2; place <= 2; place += 1) {
        const count = MANY.filter((change) => change[key] === place).length;
        expect(Math.abs(count - 800), `${key} ${place}`).toBeLessThan(4 * Math.sqrt(640));
      }
      expect(MANY.every((change) => Math.abs(change[key]) <= 2)).toBe(true);
    }
  });

  it.each([
    ['angle', 0, 20],
    ['scale', 1, 0.2],
    ['shiftX', 0, 3],
    ['shiftY', 0, 2],
    ['brightness', 1, 0.3],
  ] as const)('has a %s uniformly within its bounds', (key, centre, largest) => {
    const values = MANY.map((change) => (change[key] - centre) / largest);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(Math.max(...values)).toBeGreaterThan(0.99);
    expect(Math.min(...values)).toBeGreaterThan(-1);
    expect(Math.min(...values)).toBeLessThan(-0.99);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(3 * 4000));
    expect(Math.abs(variance - 1 / 3)).toBeLessThan(0.02);
  });

  it('has displacements up to the strength, each of its own', () => {
    const all = MANY.slice(0, 100).flatMap(({ displacements }) => [...displacements]);
    expect(all).toHaveLength(100 * 2 * 36);
    expect(new Set(all).size).toBeGreaterThan(0.999 * all.length);
    expect(Math.max(...all.map(Math.abs))).toBeLessThan(2);
    expect(Math.max(...all.map(Math.abs))).toBeGreaterThan(1.99);
  });
});

it.each(Object.keys(EVERYTHING) as (keyof AugmentationSpec)[])('%s alone changes images, except for a fill', (key) => {
  expect(changesImages({ ...NOTHING, [key]: EVERYTHING[key] })).toBe(key !== 'fill');
});
