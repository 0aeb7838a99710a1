import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sizeJob } from '../../src/job/batch-size.js';
import { jobHash } from '../../src/job/hash.js';
import { parseJob } from '../../src/job/load.js';

const JOB = `data: { task: classification, train: { format: csv, path: a.csv, label: y } }
model: { layers: [{ type: dense, units: 3 }] }
`;
const jobOf = (...overrides: string[]) => sizeJob(parseJob(JOB, { file: 'job.yaml', overrides }).job, 5_000);

describe('jobHash', () => {
  it('is the SHA-256 of JSON with sorted keys and without name, baseline and cluster', () => {
    const text =
      '{"data":{"dev":null,"normalize":"feature","split":{"dev":0,"test":0},"task":"classification","test":null,' +
      '"train":{"categorical":[],"delimiter":",","format":"csv","ignore":[],"label":"y","path":"a.csv"}},' +
      '"model":{"layers":[{"bias":true,"initializer":{"scale":1,"type":"xavier"},"inputs":["input"],"name":"dense0",' +
      '"type":"dense","units":3}]},"seed":1,"training":{"accumulate":1,"batchSize":256,"checkpoint":{"everySteps":500,"keep":2},' +
      '"clipNorm":null,"decay":{"type":"constant"},"earlyStopping":null,"epochs":10,"evaluateEveryEpochs":1,"healthEverySteps":100,' +
      '"loss":"softmaxCrossEntropy","onNonFinite":"stop","optimizer":{"beta1":0.9,"beta2":0.999,"epsilon":1e-8,"learningRate":0.001,"type":"adam"},' +
      '"regularization":{"l1":0,"l2":0},"shards":8,"shuffle":true,"warmupSteps":0,' +
      '"wireFormat":{"gradients":"float32","weights":"float32"}}}';
    expect(jobHash(jobOf())).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it.each(['cluster.workers=16', 'cluster.collective=star', 'name=other', 'baselineError=0.1'])(
    'does not see %s',
    (override) => {
      expect(jobHash(jobOf(override))).toBe(jobHash(jobOf()));
    },
  );

  it.each(['seed=2', 'training.shards=4', 'model.layers[0].units=4', 'data.train.path=b.csv'])(
    'sees %s',
    (override) => {
      expect(jobHash(jobOf(override))).not.toBe(jobHash(jobOf()));
    },
  );
});
