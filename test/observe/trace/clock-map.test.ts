import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClockMap } from '../../../src/observe/trace/clock-map.js';

describe('a clock map', () => {
  it('subtracts the offset', () => {
    expect(new ClockMap(40).toLocal(100)).toBe(60);
  });

  it('takes the first correction whole as long as nothing has been mapped', () => {
    const map = new ClockMap(40);
    map.correct(-10);
    expect(map.toLocal(0)).toBe(10);
  });

  it('takes on a correction gradually, and leaves the past as it was', () => {
    const map = new ClockMap(40);
    expect(map.toLocal(1_000)).toBe(960);
    map.correct(42);
    expect(map.toLocal(500)).toBe(460);
    expect(map.toLocal(1_000)).toBe(960);
    expect(map.toLocal(1_025)).toBe(1_025 - 41);
    expect(map.toLocal(1_050)).toBe(1_050 - 42);
    expect(map.toLocal(9_000)).toBe(9_000 - 42);
  });

  it('keeps the order of everything, whatever is corrected in between', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ correct: fc.double({ min: -100, max: 100, noNaN: true }) }),
        // Mapped out of order: spans of one step arrive later than those of others that began later.
        fc.record({ time: fc.double({ min: 0, max: 2e3, noNaN: true }) }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(fc.double({ min: -1e3, max: 1e3, noNaN: true }), steps, (offset, actions) => {
        const map = new ClockMap(offset);
        const mapped: [number, number][] = [];
        for (const action of actions) {
          if ('correct' in action) map.correct(action.correct);
          else mapped.push([action.time, map.toLocal(action.time)]);
        }
        for (const [remote, local] of mapped) expect(map.toLocal(remote)).toBe(local);
        for (let [remote, before] = [0, -Infinity]; remote < 2_500; remote += 5) {
          const local = map.toLocal(remote);
          expect(local).toBeGreaterThan(before);
          before = local;
        }
      }),
    );
  });
});
