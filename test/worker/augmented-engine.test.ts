/** An engine with its data thread: whatever it was asked before, it sees the samples that it should. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LoadedData } from '../../src/data/load.js';
import { sizeJob } from '../../src/job/batch-size.js';
import { parseJob } from '../../src/job/load.js';
import { buildModel, initializeModel } from '../../src/nn/model.js';
import type { Plan } from '../../src/protocol/messages.js';
import type { Engine } from '../../worker/engine.js';
import type { PassPort } from '../../worker/pass-port.js';
import { denseDataset } from '../data/helpers.js';
import { scoresOf } from '../support/scored.js';
import { builtEngine } from '../support/built-engine.js';
import { AUGMENTATION, CLASSES, SIDE, tinyImages } from '../support/tiny-images.js';

const SAMPLES = 90;
const { pixels, labels } = tinyImages(SAMPLES, 1);
const jobOf = (augmentation: string) =>
  parseJob(
    `data:
  task: classification
  train: { format: idx, features: unused, labels: unused }
  augmentation: ${augmentation}
model: { layers: [{ type: dense, units: ${CLASSES} }] }
training: { batchSize: 40, shards: 4 }
`,
    { file: 'images.yaml' },
  ).job;
const model = buildModel(jobOf('null').model, [SIDE, SIDE, 1]);
const dataOf = (features: Uint8Array | Float32Array): LoadedData => ({
  splits: { train: denseDataset([SIDE, SIDE, 1], features, labels), dev: null, test: null },
  featureShape: [SIDE, SIDE, 1],
  classes: ['0', '1', '2'],
  labelName: null,
  featureNames: null,
  fingerprint: '',
});

const FIRST_SHARD = { split: 'train', firstShard: 0, endShard: 1 } as const;
const engines: Record<string, Engine> = {};
const engine = (name: string): Engine => engines[name] as Engine;

async function start(name: string, augmentation: string, features: Uint8Array | Float32Array): Promise<void> {
  const { Engine: Built } = await builtEngine();
  const started = await Built.start({
    job: sizeJob(jobOf(augmentation), 0),
    model,
    data: dataOf(features),
    backend: 'wasm',
    threads: 1,
  });
  started.normalizeBy(new Float32Array(SIDE * SIDE).fill(90), new Float32Array(SIDE * SIDE).fill(0.01));
  initializeModel(model, 1, started.vectors[0]);
  engines[name] = started;
}

beforeAll(async () => {
  const bytes = Uint8Array.from(pixels);
  await start('augmented', AUGMENTATION, bytes);
  await start('fresh', AUGMENTATION, bytes);
  await start('plain', 'null', bytes);
  await start('floats', AUGMENTATION, Float32Array.from(pixels));
});

afterAll(() => Promise.all(Object.values(engines).map((one) => one.close())));

const port: PassPort = {
  post: () => undefined,
  exchange: () => Promise.reject(new Error('no layer exchanges anything')),
  weights: () => Promise.resolve(),
  hasWeights: () => true,
  bucket: () => undefined,
};

/** Losses of shards [firstShard, endShard) of the n-th batch of 40. */
async function losses(
  name: string,
  step: number,
  firstShard = 0,
  endShard = 4,
  firstPosition?: number,
): Promise<number[]> {
  const plan: Plan = {
    type: 'plan',
    fence: { epoch: 1, step, attempt: 1 },
    ahead: false,
    weightsVersion: 0,
    dataEpoch: Math.floor(step / 3),
    firstPosition: firstPosition ?? (step % 3) * 40,
    batchCount: step % 3 === 2 ? 10 : 40,
    firstShard,
    endShard,
    lossScale: 1,
  };
  const { shards } = await engine(name).train(plan, 0, port);
  return shards.map(({ loss }) => loss);
}

it('sees the same samples in any order of steps, with any shards, tried again, and after evaluations', async () => {
  const inOrder: number[][] = [];
  for (let step = 0; step < 7; step += 1) inOrder.push(await losses('fresh', step));
  for (const step of [4, 0, 0, 6, 5, 1, 2, 3]) {
    expect(await losses('augmented', step)).toEqual(inOrder[step]);
    await scoresOf(engine('augmented'), 0, FIRST_SHARD);
    expect(await losses('augmented', step, 1, 3)).toEqual(inOrder[step]?.slice(1, 3));
    expect(await losses('augmented', step, 3, 4)).toEqual(inOrder[step]?.slice(3, 4));
  }
});

it('sees other samples than without augmentation, and others in every epoch', async () => {
  const [augmented, plain] = [await losses('augmented', 0), await losses('plain', 0)];
  expect(augmented).not.toEqual(plain);
  const sum = async (name: string, first: number): Promise<number> => {
    let total = 0;
    for (const step of [first, first + 1, first + 2]) for (const loss of await losses(name, step)) total += loss;
    return total;
  };
  // The same samples in another order, up to rounding; augmented, they are others.
  expect(Math.abs((await sum('plain', 0)) - (await sum('plain', 3)))).toBeLessThan(1e-3);
  expect(Math.abs((await sum('augmented', 0)) - (await sum('augmented', 3)))).toBeGreaterThan(1e-2);
});

it('evaluates the training split as it is', async () => {
  expect(await scoresOf(engine('augmented'), 0, FIRST_SHARD)).toEqual(await scoresOf(engine('plain'), 0, FIRST_SHARD));
});

it('augments float32 features', async () => {
  const [floats, bytes] = [await losses('floats', 0), await losses('augmented', 0)];
  // Bytes are rounded, float32 is not.
  expect(floats).not.toEqual(bytes);
  floats.forEach((loss, i) => expect(Math.abs(loss / (bytes[i] ?? NaN) - 1)).toBeLessThan(0.02));
});

it('says what went wrong on the data thread, and goes on', async () => {
  const before = await losses('augmented', 1);
  await expect(losses('augmented', 1, 0, 4, 80)).rejects.toThrow(/^data thread: .*position 90/);
  expect(await losses('augmented', 1)).toEqual(before);
});
