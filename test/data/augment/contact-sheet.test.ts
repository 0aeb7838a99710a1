import { describe, expect, it } from 'vitest';
import { contactSheet, samplesToShow } from '../../../src/data/augment/contact-sheet.js';
import { denseDataset } from '../helpers.js';
import { image, NOTHING } from './helpers.js';

const FLIP = { ...NOTHING, horizontalFlip: true };

describe('a contact sheet', () => {
  it('shows float32 from black to white and keeps colours together', () => {
    // Two images of 1×2 pixels of three channels.
    const values = Float32Array.of(-1, 0, 1, 3, 3, 3, 0, 0, 0, -1, -1, -1);
    const train = denseDataset([1, 2, 3], values, [0, 1]);
    const { width, height, channels, data } = contactSheet(train, FLIP, 1, [1, 0], 2);
    // Pixels are drawn 48×48; gaps are 2 wide, 8 behind the originals.
    expect([width, height, channels]).toEqual([2 + 96 + 8 + 96 + 2 + 96 + 2, 2 + 48 + 2 + 48 + 2, 3]);
    const at = (x: number, y: number): number[] => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
    expect([at(0, 0), at(99, 20), at(width - 1, height - 1)]).toEqual(Array(3).fill([128, 128, 128]));
    // −1 is black, 3 is white.
    expect([at(2, 2), at(49, 49), at(50, 2)]).toEqual([
      [64, 64, 64],
      [64, 64, 64],
      [0, 0, 0],
    ]);
    expect([at(2, 52), at(97, 99)]).toEqual([
      [0, 64, 128],
      [255, 255, 255],
    ]);
  });

  it('does not change the data, and shows the changes that training makes', () => {
    const shape = { height: 3, width: 96, channels: 1 };
    const train = denseDataset([3, 96, 1], image(shape), [0]);
    const { width, data } = contactSheet(train, FLIP, 1, [0], 16);
    const cells = Array.from({ length: 17 }, (_, column) => {
      const left = 2 + column * 98 + (column > 0 ? 6 : 0);
      return [0, 1, 2].flatMap((y) => [...data.subarray((2 + y) * width + left, (2 + y) * width + left + 96)]);
    });
    const original = [...image(shape)];
    const mirrored = [0, 1, 2].flatMap((y) => original.slice(96 * y, 96 * y + 96).toReversed());
    expect(cells[0]).toEqual(original);
    const flips = cells.filter((cell) => cell.every((value, i) => value === mirrored[i])).length;
    expect(cells.filter((cell) => cell.every((value, i) => value === original[i]))).toHaveLength(17 - flips);
    expect(flips).toBeGreaterThan(2);
    expect(flips).toBeLessThan(15);
  });
});

describe('samples to show', () => {
  const train = (labels: readonly number[]) => denseDataset([1, 1, 1], new Uint8Array(labels.length), labels);

  it('come from all classes alike', () => {
    expect(samplesToShow(train([2, 0, 1, 0, 1, 2, 0]), 3, 6)).toEqual([1, 3, 2, 4, 0, 5]);
    expect(samplesToShow(train([0, 1, 2, 3]), 4, 2)).toEqual([0, 2]);
  });

  it('are others where a class has too few', () => {
    expect(samplesToShow(train([0, 0, 0, 1]), 2, 4)).toEqual([0, 1, 3, 2]);
    expect(samplesToShow(train([0, 1]), 2, 8)).toEqual([0, 1]);
  });

  it('are spread over the split where there are no classes', () => {
    expect(samplesToShow(train(Array.from({ length: 80 }, () => 0.5)), null)).toEqual([0, 10, 20, 30, 40, 50, 60, 70]);
  });
});
