import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/protocol/messages.js';
import { type Stage, evaluate, fence, plan, readyStage, result, roster } from '../support/cluster-agent.js';

/** A plan for a step that is said while the step before it is under way. */
const ahead = (step: number): Plan => ({ ...plan(step), ahead: true });
/** Has the exchanges of a step answered, one after the other. */
async function answer(stage: Stage, step: number): Promise<void> {
  for (const exchange of [0, 1]) await stage.tell(result(fence(step), exchange));
}

describe('a plan ahead', () => {
  it('lets the step under way be finished, and then begins when its model is there', async () => {
    const stage = await readyStage();
    await stage.tell(plan(0), ahead(1));
    await answer(stage, 0);
    expect(stage.types).toEqual(['exchangeNodes', 'exchangeNodes', 'piece', 'stepReport']);
    expect(stage.engine.diary.at(-1)).toBe('step 0 attempt 1 got ');
    await stage.weights(1, 5, 6, 7, 8);
    expect(stage.engine.diary.at(-1)).toBe('train step 1 attempt 1 with 5 6 7 8');
    await stage.tell(ahead(2));
    await answer(stage, 1);
    expect(stage.types.filter((type) => type === 'stepReport')).toHaveLength(2);
  });

  it('waits for the plan that it has overtaken', async () => {
    const stage = await readyStage();
    await stage.tell(ahead(1));
    expect(stage.engine.diary).toEqual([]);
    await stage.tell(plan(0));
    await answer(stage, 0);
    await stage.weights(1, 5, 6, 7, 8);
    expect(stage.engine.diary.filter((line) => line.startsWith('train'))).toEqual([
      'train step 0 attempt 1 with 1 2 3 4',
      'train step 1 attempt 1 with 5 6 7 8',
    ]);
  });

  it.each([
    ['a roster', roster()],
    ['an evaluation', evaluate(0)],
  ])('is called off by %s, before and after it has begun', async (_, message) => {
    for (const finish of [false, true]) {
      const stage = await readyStage();
      await stage.tell(plan(0), ahead(1));
      if (finish) await answer(stage, 0);
      await stage.tell(message);
      await stage.weights(1, 5, 6, 7, 8);
      expect(stage.engine.diary.filter((line) => line.startsWith('train'))).toEqual([
        'train step 0 attempt 1 with 1 2 3 4',
      ]);
    }
  });

  it('that has begun gives way when the step before it is done again, with the model before', async () => {
    const stage = await readyStage();
    await stage.tell(plan(0), ahead(1));
    await answer(stage, 0);
    await stage.weights(1, 5, 6, 7, 8);
    const again = { ...plan(0), fence: { epoch: 2, step: 0, attempt: 2 } };
    await stage.tell({ ...roster(), epoch: 2 }, again);
    expect(stage.engine.diary.at(-1)).toBe('train step 0 attempt 2 with 1 2 3 4');
    // What was said in the former epoch and comes late is void.
    const before = stage.engine.diary.length;
    await stage.tell(ahead(1), ahead(2));
    expect(stage.engine.diary).toHaveLength(before);
  });
});
