import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, furthest, stages, workOf, type SearchPlan, type Task } from '../../src/search/plan.js';
import { ranked } from '../../src/search/ranking.js';
import { plan, RATE, simulate, UNITS } from './plans.js';

/** The best learning rate is 0.01; training longer helps; trials with few units fail. */
function loss({ trial, epochs }: Task): number | null {
  const [rate, , units] = trial.values as readonly number[];
  if ((units ?? 99) < 10) return null;
  return Math.abs(Math.log10(rate ?? 1) + 2) + 1 / (epochs ?? 9);
}

const HALVING = { eta: 3, minEpochs: 1 };
const COARSE: SearchPlan['method'] = { type: 'coarseToFine', rounds: 3, trials: 8, keep: 0.25 };

describe('a random search', () => {
  it('starts its trials by number, each once, to the end of training', () => {
    const decision = decide(plan(), []);
    expect(
      decision.type === 'run' && decision.open.map(({ trial, rung, epochs }) => [trial.number, rung, epochs]),
    ).toEqual(Array.from({ length: 9 }, (_, index) => [index + 1, 0, null]));
    expect(simulate(plan(), loss).map(({ trial }) => trial)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('is done when all have finished, also those that failed', () => {
    const results = simulate(plan(), () => null);
    expect(results).toHaveLength(9);
    expect(decide(plan(), results)).toEqual({ type: 'done' });
  });
});

describe('a grid search', () => {
  it('has one trial per point', () => {
    const search = plan({
      method: { type: 'grid' },
      parameters: [{ ...UNITS, space: { type: 'integer', from: 1, to: 4, points: 2 } }],
    });
    expect(simulate(search, () => 1).map(({ trial }) => trial)).toEqual([1, 2]);
    expect([...stages(search, [])].flatMap(({ tasks }) => tasks.map(({ trial }) => trial.values))).toEqual([[1], [4]]);
  });
});

describe('coarse to fine', () => {
  it('draws every round from a region inside the one before, and comes closer', () => {
    const search = plan({ method: COARSE, parameters: [RATE] });
    const results = simulate(search, loss);
    const regions = [...stages(search, results)].map(({ region }) => region[0]);
    expect(regions).toHaveLength(3);
    const widths = regions.map((range) => (range?.type === 'positions' ? range.high - range.low : NaN));
    expect(widths[1]).toBeLessThan(0.8);
    expect(widths[2]).toBeLessThan(widths[1] ?? 0);
    const best = (round: number) =>
      Math.min(
        ...results.filter(({ trial }) => Math.ceil(trial / 8) === round + 1).map(({ objective }) => objective ?? 9),
      );
    expect(best(2)).toBeLessThanOrEqual(best(0));
  });

  it('counts `keep` from 1 on as a number', () => {
    const search = plan({ method: { ...COARSE, keep: 1 }, parameters: [RATE] });
    const [, second] = [...stages(search, simulate(search, loss))];
    const range = second?.region[0];
    // One trial, and 1/16 on each side of it.
    expect(range?.type === 'positions' && range.high - range.low).toBeLessThanOrEqual(0.125 + 1e-9);
  });

  it('keeps looking everywhere when a whole round has failed', () => {
    const search = plan({ method: COARSE });
    const [first, second] = [
      ...stages(
        search,
        simulate(search, () => null),
      ),
    ];
    expect(second?.region).toEqual(first?.region);
  });

  it('numbers its trials through', () => {
    expect(simulate(plan({ method: COARSE }), loss).map(({ trial }) => trial)).toEqual(
      Array.from({ length: 24 }, (_, index) => index + 1),
    );
  });
});

describe('halving', () => {
  const search = plan({ halving: HALVING, parameters: [RATE] });

  it('goes on with the best third, by number', () => {
    const results = simulate(search, loss);
    expect(results.map(({ rung }) => rung)).toEqual([...Array<number>(9).fill(0), 1, 1, 1, 2]);
    const first = results.filter(({ rung }) => rung === 0);
    const best = ranked(first, 'minimize')
      .slice(0, 3)
      .map(({ trial }) => trial)
      .sort((a, b) => a - b);
    expect(results.filter(({ rung }) => rung === 1).map(({ trial }) => trial)).toEqual(best);
  });

  it('never goes on with a failed trial, and ends when none is left', () => {
    const results = simulate(search, ({ trial, rung }) => (trial.number <= 7 || rung > 0 ? null : trial.number));
    expect(results.filter(({ rung }) => rung === 1).map(({ trial }) => trial)).toEqual([8, 9]);
    expect(results.filter(({ rung }) => rung === 2)).toEqual([]);
  });

  it('looks for the largest where that is the goal', () => {
    const results = simulate({ ...search, goal: 'maximize' }, ({ trial }) => trial.number);
    expect(results.filter(({ rung }) => rung === 1).map(({ trial }) => trial)).toEqual([7, 8, 9]);
  });
});

describe('what is run', () => {
  it('does not depend on the order in which trials finish, nor on where the search was interrupted', () => {
    const key = ({ trial, rung }: { trial: number; rung: number }) => `${rung}/${trial}`;
    const methods: readonly SearchPlan['method'][] = [{ type: 'random', trials: 9 }, COARSE];
    for (const method of methods) {
      for (const halving of [null, HALVING]) {
        const search = plan({ method, halving });
        const inOrder = simulate(search, loss);
        fc.assert(
          fc.property(fc.infiniteStream(fc.nat(100)), (stream) => {
            const results = simulate(search, loss, () => stream.next().value as number);
            const sorted = [...results].sort((a, b) => (key(a) < key(b) ? -1 : 1));
            expect(sorted).toEqual([...inOrder].sort((a, b) => (key(a) < key(b) ? -1 : 1)));
          }),
          { numRuns: 10 },
        );
      }
    }
  });
});

describe('ranking', () => {
  it('puts later rungs first, then the objective, then the number; failures last', () => {
    const standings = [
      { trial: 1, rung: 0, objective: 0.1 },
      { trial: 2, rung: 1, objective: 0.3 },
      { trial: 3, rung: 1, objective: 0.2 },
      { trial: 4, rung: 1, objective: 0.2 },
      { trial: 5, rung: 1, objective: null },
      { trial: 6, rung: 0, objective: null },
    ];
    expect(ranked(standings, 'minimize').map(({ trial }) => trial)).toEqual([3, 4, 2, 1, 5, 6]);
    expect(ranked([...standings].reverse(), 'maximize').map(({ trial }) => trial)).toEqual([2, 3, 4, 1, 5, 6]);
  });

  it('goes by the last rung of a trial', () => {
    const results = [
      { trial: 2, rung: 1, objective: 1 },
      { trial: 1, rung: 0, objective: 2 },
      { trial: 2, rung: 0, objective: 3 },
    ];
    expect(furthest(results)).toEqual([results[1], results[0]]);
  });
});

describe('work', () => {
  it('is counted in whole trainings', () => {
    // 9 trials of 1 epoch of 9, 3 of 2 more, 1 of 6 more: (9 + 6 + 6) / 9.
    const search = plan({ halving: HALVING });
    expect(workOf(search, []).total).toBeCloseTo(21 / 9, 12);
    expect(
      workOf(
        search,
        simulate(search, () => 1),
      ).done,
    ).toBeCloseTo(21 / 9, 12);
    expect(workOf(plan(), [{ rung: 0, trial: 1, objective: 1 }], [0.5])).toEqual({ total: 9, done: 1.5 });
  });
});
