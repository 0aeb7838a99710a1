import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SplitEvaluation } from '../../coordinator/split-evaluation.js';
import type { SplitName } from '../../src/job/job.js';
import type { Evaluate, ShardScore } from '../../src/protocol/messages.js';
import { scored } from '../support/scored.js';
import { spreadOf } from '../../src/scores/spread.js';
import { predictions } from '../scores/samples.js';
import { generator, shuffled } from '../support/cluster-order.js';

type Request = ReturnType<SplitEvaluation['requests']>[number];

const report = (shard: number): ShardScore => scored({ shard, loss: 1 / (shard + 3), correct: shard % 7 });
const evaluationOf = (split: SplitName, size: number, version: number): SplitEvaluation =>
  new SplitEvaluation({ split, size, version, classes: 3, mistakes: 2 });
const shardsOf = ({ firstShard, endShard }: Evaluate): number[] =>
  Array.from({ length: endShard - firstShard }, (_, i) => firstShard + i);
const answer = (evaluation: SplitEvaluation, { message }: Request): void => {
  evaluation.add({ type: 'evaluated', request: message.request, shards: shardsOf(message).map(report) });
};
const dealt = (requests: readonly Request[]): string[] =>
  requests.map(({ worker, message }) => `${worker}: ${message.firstShard}–${message.endShard}`);

describe('the evaluation of a split', () => {
  it('deals shards of at most 256 samples to all workers', () => {
    const evaluation = evaluationOf('dev', 10_000, 12);
    const requests = evaluation.requests(['a', 'b', 'c'], 5);
    expect(dealt(requests)).toEqual(['a: 0–13', 'b: 13–26', 'c: 26–40']);
    expect(requests[0]?.message).toEqual({
      type: 'evaluate',
      request: 5,
      weightsVersion: 12,
      split: 'dev',
      mistakes: 2,
      firstShard: 0,
      endShard: 13,
    });
  });

  it('asks only as many workers as there are shards', () => {
    expect(dealt(evaluationOf('dev', 300, 0).requests(['a', 'b', 'c'], 1))).toEqual(['b: 0–1', 'c: 1–2']);
  });

  it('deals what is missing again, in runs', () => {
    const evaluation = evaluationOf('test', 8 * 256, 0);
    const [, b] = evaluation.requests(['a', 'b', 'c', 'd'], 1);
    if (b !== undefined) answer(evaluation, b);
    expect(evaluation.complete).toBe(false);
    expect(dealt(evaluation.requests(['a', 'c'], 2))).toEqual(['a: 0–2', 'a: 4–5', 'c: 5–8']);
  });

  it('takes an answer to an earlier deal, and the same answer twice', () => {
    const evaluation = evaluationOf('dev', 512, 0);
    const early = evaluation.requests(['a', 'b'], 1);
    const late = evaluation.requests(['a'], 2);
    for (const request of [...early, ...late]) answer(evaluation, request);
    expect(evaluation.complete).toBe(true);
    expect(evaluation.score()).toMatchObject({ loss: (1 / 3 + 1 / 4) / 512, accuracy: 1 / 512 });
  });

  it('drops an answer to somebody else’s question', () => {
    const evaluation = evaluationOf('dev', 256, 0);
    evaluation.requests(['a'], 8);
    evaluation.add({ type: 'evaluated', request: 7, shards: [report(0)] });
    expect(evaluation.complete).toBe(false);
  });

  it('comes to the same score for any number of workers, any losses of workers, any order', () => {
    const size = 20 * 256 - 3;
    const alone = evaluationOf('train', size, 0);
    for (const request of alone.requests(['a'], 1)) answer(alone, request);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (teams, seed) => {
          const dice = generator(seed);
          const evaluation = evaluationOf('train', size, 0);
          for (const [round, count] of [...teams, 1].entries()) {
            const workers = Array.from({ length: count }, (_, rank) => `w${rank}`);
            const requests = shuffled(evaluation.requests(workers, round + 1), dice());
            // In all rounds but the last, some do not answer.
            for (const request of requests) if (round === teams.length || dice() % 5 > 1) answer(evaluation, request);
          }
          expect(evaluation.complete).toBe(true);
          expect(evaluation.score()).toEqual(alone.score());
        },
      ),
    );
  });

  const wanted = { split: 'dev', size: 200, version: 0 } as const;
  /** Two hundred samples as the one shard that they form. */
  const told = (evaluation: SplitEvaluation, shard: Partial<ShardScore>): SplitEvaluation => {
    evaluation.requests(['a'], 1);
    evaluation.add({
      type: 'evaluated',
      request: 1,
      shards: [{ ...scored({ shard: 0, loss: 0, correct: 0 }), ...shard }],
    });
    return evaluation;
  };

  it('knows what scikit-learn says about a regression', () => {
    const { targets, approximations } = predictions();
    const distances = targets.map((target, i) => target - (approximations[i] ?? NaN));
    const evaluation = told(new SplitEvaluation({ ...wanted, classes: null, mistakes: 0 }), {
      loss: distances.reduce((sum, distance) => sum + distance * distance, 0),
      absoluteError: distances.reduce((sum, distance) => sum + Math.abs(distance), 0),
      targets: spreadOf(targets, 0, 200),
    });
    const { regression, classification } = evaluation.score();
    expect(regression?.r2).toBeCloseTo(0.8432289878582889, 13);
    expect(regression?.mae).toBeCloseTo(0.9531281260494143, 13);
    expect(classification).toBeNull();
  });

  it('has no R² where all targets are alike', () => {
    const targets = { count: 200, mean: 3, squares: 0 };
    const evaluation = told(new SplitEvaluation({ ...wanted, classes: null, mistakes: 0 }), { loss: 5, targets });
    expect(evaluation.score().regression).toEqual({ r2: null, mae: 0 });
  });

  it('puts the worst of all shards first', () => {
    const evaluation = new SplitEvaluation({ split: 'dev', size: 512, version: 0, classes: 3, mistakes: 3 });
    evaluation.requests(['a'], 1);
    const bad = (sample: number, loss: number) => ({ sample, loss, target: 0, predicted: 1 });
    const shard = (number: number, ...misjudged: ShardScore['misjudged']) => ({ ...report(number), misjudged });
    evaluation.add({
      type: 'evaluated',
      request: 1,
      shards: [shard(1, bad(300, 9), bad(257, 2)), shard(0, bad(4, 9), bad(7, NaN))],
    });
    expect(evaluation.score().misjudged.map(({ sample }) => sample)).toEqual([7, 4, 300]);
  });
});
