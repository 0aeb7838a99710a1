import { describe, expect, it } from 'vitest';
import { stolenSeconds } from '../../src/bench/stolen.js';

describe('stolen time', () => {
  it('is the eighth number of the first line, in hundredths of a second', () => {
    expect(stolenSeconds(() => 'cpu  10 20 30 40 50 60 70 12345 0 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n')).toBe(123.45);
  });

  it.each(['', 'cpu  1 2 3 4\n', 'memory 1 2 3 4 5 6 7 8'])('is not known from %j', (text) => {
    expect(stolenSeconds(() => text)).toBeNull();
  });

  it('is not known where there is no such file', () => {
    const missing = (): string => {
      throw new Error('ENOENT');
    };
    expect(stolenSeconds(missing)).toBeNull();
  });
});
