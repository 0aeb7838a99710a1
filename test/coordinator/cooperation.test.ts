import { describe, expect, it } from 'vitest';
import { CooperationChoice, type Cooperation } from '../../coordinator/cooperation.js';

const LARGE = 2 ** 20;
const OPEN = { collective: null, bucketElements: null };

/** Runs steps whose time depends on how the workers work together, until the choice is settled. */
function settle(choice: CooperationChoice, workers: number, stepMs: (candidate: Cooperation) => number) {
  const tried: Cooperation[] = [choice.of(workers)];
  for (let step = 0; step < 1000; step += 1) {
    const decision = choice.observe(stepMs(choice.of(workers)));
    if (decision?.settled === true)
      return { tried, chosen: choice.of(workers), reason: decision.reason, steps: step + 1 };
    if (decision !== null) tried.push(choice.of(workers));
  }
  throw new Error('never settled');
}

describe('how workers work together', () => {
  it('is what the job says', () => {
    const choice = new CooperationChoice({ collective: 'mesh', bucketElements: 5000 }, LARGE);
    expect(choice.of(4)).toEqual({ collective: 'mesh', bucketElements: 5000 });
    expect(choice.observe(10)).toBeNull();
  });

  it('is a star for one worker, whatever the job says', () => {
    const choice = new CooperationChoice({ collective: 'mesh', bucketElements: null }, LARGE);
    expect(choice.of(1).collective).toBe('star');
  });

  it('is a star for small models and few workers, in buckets that are found', () => {
    const small = new CooperationChoice(OPEN, 2 ** 17);
    expect(small.of(8).collective).toBe('star');
    const { tried } = settle(new CooperationChoice(OPEN, LARGE), 2, () => 10);
    expect(new Set(tried.map(({ collective }) => collective))).toEqual(new Set(['star']));
  });

  it('becomes a mesh where that is faster, and says what was measured', () => {
    const { chosen, reason, tried } = settle(new CooperationChoice(OPEN, LARGE), 8, ({ collective, bucketElements }) =>
      collective === 'mesh' ? 8 + bucketElements / LARGE : 20,
    );
    expect(chosen).toEqual(tried.find(({ collective }) => collective === 'mesh'));
    expect(reason).toMatch(/^mesh .* for 8 workers; step times: star .* 20\.0 ms, /);
  });

  it('stays with the simplest of equals', () => {
    const { chosen, tried } = settle(new CooperationChoice(OPEN, LARGE), 8, () => 10);
    expect(chosen).toEqual(tried[0]);
  });

  it('is not deceived by the first steps of a candidate, nor by one that is held up', () => {
    let step = 0;
    const { chosen } = settle(new CooperationChoice(OPEN, LARGE), 8, ({ collective }) => {
      step += 1;
      if (step % 11 === 1 || step % 11 === 6) return 1000;
      return collective === 'mesh' ? 5 : 10;
    });
    expect(chosen.collective).toBe('mesh');
  });

  it('is found anew for another number of workers', () => {
    const choice = new CooperationChoice(OPEN, LARGE);
    settle(choice, 8, ({ collective }) => (collective === 'mesh' ? 5 : 10));
    expect(choice.of(6).collective).toBe('star');
    settle(choice, 6, () => 10);
    expect(choice.observe(10)).toBeNull();
  });
});
