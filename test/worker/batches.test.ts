import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_TRACER } from '../../src/common/trace.js';
import { stepPosition } from '../../src/data/sampler.js';
import type { Plan } from '../../src/protocol/messages.js';
import { dealShards } from '../../src/reduce/shards.js';
import { nextBatch, planBatch, shardBatch, slotOf } from '../../worker/batches.js';
import { Staging, type SlotWriter } from '../../worker/staging.js';

/** The plan of a step for some of its shards. */
function planOf(step: number, size: number, batchSize: number, range: { first: number; end: number }): Plan {
  const { epoch, first, count } = stepPosition(step, size, batchSize);
  return {
    type: 'plan',
    fence: { epoch: 1, step, attempt: 1 },
    ahead: false,
    weightsVersion: step,
    dataEpoch: epoch,
    firstPosition: first,
    batchCount: count,
    lossScale: 1,
    firstShard: range.first,
    endShard: range.end,
  };
}

const count = (max: number) => fc.integer({ min: 1, max });

describe('the samples of a plan', () => {
  it('are those of its shards: together, the workers have the batch', () => {
    fc.assert(
      fc.property(count(100), count(40), count(20), count(6), fc.nat(30), (size, batchSize, shards, workers, step) => {
        const batches = dealShards(shards, workers).map((range) =>
          planBatch(planOf(step, size, batchSize, range), shards),
        );
        const { epoch, first, count: samples } = stepPosition(step, size, batchSize);
        const positions = batches.flatMap((batch) => Array.from({ length: batch.rows }, (_, row) => batch.first + row));
        expect(positions).toEqual(Array.from({ length: samples }, (_, row) => first + row));
        for (const batch of batches) expect(batch).toMatchObject({ split: 'train', epoch });
      }),
    );
  });

  it('of the next step are those of its plan, where the worker keeps its shards', () => {
    fc.assert(
      fc.property(count(100), count(40), count(20), fc.nat(30), (size, batchSize, shards, step) => {
        const range = { first: Math.floor(shards / 3), end: shards };
        const next = nextBatch(planOf(step, size, batchSize, range), size, { batchSize, shards });
        expect(next).toEqual(planBatch(planOf(step + 1, size, batchSize, range), shards));
      }),
    );
  });

  it('are none for no shards', () => {
    expect(shardBatch('dev', null, 7, [])).toEqual({ split: 'dev', epoch: null, first: 7, rows: 0 });
  });
});

describe('the slot of a batch', () => {
  const batch = shardBatch('train', 0, 0, [{ start: 0, rows: 4 }]);
  const staging = (write: SlotWriter['write']): Staging => new Staging({ write, close: () => Promise.resolve() });

  it('is told when the samples are in place; the wait stands in the trace', async () => {
    const spans: string[] = [];
    const tracer = { ...NO_TRACER, span: (_track: string, name: string) => void spans.push(name) };
    expect([0, 1]).toContain(
      await slotOf(
        batch,
        staging(() => null),
        tracer,
      ),
    );
    expect(spans).toEqual([]);
    expect([0, 1]).toContain(
      await slotOf(
        batch,
        staging(() => Promise.resolve()),
        tracer,
      ),
    );
    expect(spans).toEqual(['wait for samples']);
  });

  it('is none where they cannot be written', async () => {
    const failing = staging(() => Promise.reject(new RangeError('no such sample')));
    await expect(slotOf(batch, failing, NO_TRACER)).rejects.toThrow('no such sample');
  });
});
