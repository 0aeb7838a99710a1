import { describe, expect, it } from 'vitest';
import { checkAugmentation } from '../../../src/data/augment/image.js';
import { LockstepError } from '../../../src/common/errors.js';
import { EVERYTHING, NOTHING } from './helpers.js';

function problem(...args: Parameters<typeof checkAugmentation>): string {
  try {
    checkAugmentation(...args);
  } catch (thrown) {
    const { code, message, hint } = thrown as LockstepError;
    expect(thrown).toBeInstanceOf(LockstepError);
    expect(code).toBe('job');
    expect(hint).toBeTruthy();
    return message;
  }
  return 'none';
}

describe('an augmentation and the data', () => {
  it('fit each other where samples are images', () => {
    expect(problem(EVERYTHING, [28, 28, 1], 'uint8')).toBe('none');
    expect(problem(EVERYTHING, [3, 40, 7], 'float32')).toBe('none');
    expect(problem(null, [5], 'float32')).toBe('none');
  });

  it('do not where samples are rows of numbers', () => {
    expect(problem(EVERYTHING, [784], 'uint8')).toContain('the samples here are of 784');
  });

  it('do not where a crop can miss the image', () => {
    const spec = (padding: number) => ({ ...NOTHING, crop: { padding } });
    expect(problem(spec(8), [9, 30, 1], 'uint8')).toBe('none');
    expect(problem(spec(9), [9, 30, 1], 'uint8')).toContain('data.augmentation.crop.padding is 9');
  });

  it('do not where bytes cannot hold the fill', () => {
    expect(problem({ ...NOTHING, fill: 255 }, [9, 9, 1], 'uint8')).toBe('none');
    expect(problem({ ...NOTHING, fill: -1 }, [9, 9, 1], 'uint8')).toContain('data.augmentation.fill is -1');
    expect(problem({ ...NOTHING, fill: -1 }, [9, 9, 1], 'float32')).toBe('none');
  });
});
