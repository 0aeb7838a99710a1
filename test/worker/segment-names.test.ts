import { describe, expect, it } from 'vitest';
import { buildModel } from '../../src/nn/model.js';
import { layoutOptions, measureLayout } from '../../worker/layout.js';
import { segmentNames } from '../../worker/segment-names.js';
import { batchNorm, dense, modelSpec, type BareLayer } from '../support/model-spec.js';
import { tinyJob } from '../support/tiny-job.js';

function names(...layers: readonly BareLayer[]): readonly (readonly string[])[] {
  const spec = modelSpec(...layers);
  const job = tinyJob(spec, { batchSize: 8, shards: 4 });
  return segmentNames(measureLayout(layoutOptions(job, buildModel(spec, [5]), 40, 2)).program);
}

describe('the parts of a pass', () => {
  it('are one way there and back without batch norm', () => {
    expect(names(dense(4), { type: 'relu' }, dense(3))).toEqual([
      ['forward, loss, backward', 'parameter gradients'],
      [],
      ['inference'],
    ]);
  });

  it('are cut by the exchanges of batch norm', () => {
    const [first, firstWait, second, secondWait, third] = names(dense(4), batchNorm(), { type: 'relu' }, dense(3));
    expect(first?.[0]).toBe('forward');
    expect(firstWait).toEqual([]);
    expect(second).toContain('forward, loss, backward');
    expect(secondWait).toEqual(['parameter gradients']);
    expect(third?.[0]).toBe('backward');
    expect(third?.at(-1)).toBe('parameter gradients');
  });
});
