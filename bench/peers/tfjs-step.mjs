/**
 * A contestant of `lockstep bench train`: the same job in TensorFlow.js on its WASM backend (SIMD), one thread. Asked {"steps"} it
 * trains that many and answers {"ms", "cpuMs", "loss"}.
 *
 *   npm install --prefix bench/peers && node bench/peers/tfjs-step.mjs '{"images": …, "labels": …, …}'
 */
import { readFileSync, writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { createInterface } from 'node:readline';

const say = (answer) => writeSync(1, `${JSON.stringify(answer)}\n`);

async function load() {
  try {
    const tf = await import('@tensorflow/tfjs');
    const wasm = await import('@tensorflow/tfjs-backend-wasm');
    return { tf: tf.default ?? tf, wasm: wasm.default ?? wasm };
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    say({
      missing: '@tensorflow/tfjs and @tensorflow/tfjs-backend-wasm are not installed: npm install --prefix bench/peers',
    });
    return process.exit(0);
  }
}

/** Shuffled batches, normalised with one mean and variance. */
class Batches {
  #images;
  #labels;
  #batch;
  #inputs;
  #order;
  #position = 0;
  #mean;
  #inverseDeviation;

  constructor({ images, labels, count, batch, inputs }) {
    this.#inputs = inputs;
    this.#images = readFileSync(images).subarray(16, 16 + count * inputs);
    this.#labels = readFileSync(labels).subarray(8, 8 + count);
    this.#batch = batch;
    this.#order = Uint32Array.from({ length: count }, (_, i) => i);
    this.#shuffle();
    let [sum, squares] = [0, 0];
    for (const pixel of this.#images) [sum, squares] = [sum + pixel, squares + pixel * pixel];
    this.#mean = sum / this.#images.length;
    this.#inverseDeviation = 1 / Math.sqrt(squares / this.#images.length - this.#mean ** 2);
  }

  next() {
    if (this.#position >= this.#order.length) this.#shuffle();
    const ids = this.#order.subarray(this.#position, this.#position + this.#batch);
    this.#position += this.#batch;
    const inputs = this.#inputs;
    const x = new Float32Array(ids.length * inputs);
    const y = new Int32Array(ids.length);
    ids.forEach((id, row) => {
      for (let j = 0; j < inputs; j += 1)
        x[row * inputs + j] = (this.#images[id * inputs + j] - this.#mean) * this.#inverseDeviation;
      y[row] = this.#labels[id];
    });
    return { x, y, rows: ids.length };
  }

  #shuffle() {
    this.#position = 0;
    for (let i = this.#order.length - 1; i > 0; i -= 1) {
      const j = Math.floor(Math.random() * (i + 1));
      [this.#order[i], this.#order[j]] = [this.#order[j], this.#order[i]];
    }
  }
}

function build(tf, { inputs, units, learningRate }) {
  const model = tf.sequential();
  units.forEach((width, i) => {
    model.add(
      tf.layers.dense({
        units: width,
        useBias: false,
        kernelInitializer: 'heNormal',
        ...(i === 0 ? { inputShape: [inputs] } : {}),
      }),
    );
    model.add(tf.layers.batchNormalization({ momentum: 0.9, epsilon: 1e-5 }));
    model.add(tf.layers.reLU());
  });
  model.add(tf.layers.dense({ units: 10 }));
  const loss = (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits);
  model.compile({ optimizer: tf.train.adam(learningRate), loss });
  return model;
}

const { tf, wasm } = await load();
const job = JSON.parse(process.argv[2]);
wasm.setThreadsCount(1);
await tf.setBackend('wasm');
await tf.ready();
const batches = new Batches(job);
const model = build(tf, job);

async function step() {
  const { x, y, rows } = batches.next();
  const input = tf.tensor2d(x, [rows, job.inputs]);
  const target = tf.tidy(() => tf.oneHot(tf.tensor1d(y, 'int32'), 10).toFloat());
  const loss = await model.trainOnBatch(input, target);
  tf.dispose([input, target]);
  return loss;
}

say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const start = performance.now();
  const before = process.cpuUsage();
  let loss = NaN;
  for (let i = JSON.parse(line).steps; i > 0; i -= 1) loss = await step();
  const { user, system } = process.cpuUsage(before);
  say({ ms: performance.now() - start, cpuMs: (user + system) / 1000, loss });
}
