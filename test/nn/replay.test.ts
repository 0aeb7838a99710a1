import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startAt, textbookUpdate, type TextbookState } from '../optim/textbook.js';
import { trainToEnd, type FinishedRun } from '../support/finished-run.js';
import { normalValues, wholeValues } from '../support/random-values.js';
import { TextbookNetwork, type Matrix } from '../support/textbook-network.js';

const STEPS = 20;
/** The promise is 1e-4; float32 itself leaves about 1e-7 on jobs as small as these. */
const TOLERANCE = 1e-5;
const DATA = join(import.meta.dirname, '..', '..', 'examples', 'data');

interface Samples {
  readonly inputs: Matrix;
  readonly targets: readonly number[];
}

/** A table of numbers with a header, one column of which is the target. */
function readTable(path: string, label: string, ignore: readonly string[]): Samples {
  const [header = '', ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/);
  const names = header.split(',');
  const features = names.flatMap((name, i) => (name === label || ignore.includes(name) ? [] : [i]));
  const cells = lines.map((line) => line.split(',').map(Number));
  return {
    inputs: cells.map((row) => features.map((i) => row[i] ?? NaN)),
    targets: cells.map((row) => row[names.indexOf(label)] ?? NaN),
  };
}

/** Three classes around centres of their own, on features of very different size. */
function writeClasses(path: string): void {
  const [count, features] = [210, 6];
  const classes = wholeValues(count, 3, 41);
  const centres = normalValues(3 * features, 42);
  const noise = normalValues(count * features, 43);
  const lines = Array.from(classes, (label, i) => {
    const cells = Array.from({ length: features }, (_, j) => {
      return (
        10 ** (j - 2) *
        ((centres[label * features + j] ?? NaN) + 1.5 * (noise[i * features + j] ?? NaN) + j)
      ).toPrecision(6);
    });
    return [...cells, label].join(',');
  });
  writeFileSync(path, `a,b,c,d,e,f,kind\n${lines.join('\n')}\n`);
}

/** The losses that a textbook gets at each step, starting from a model's weights. */
function replay(
  initial: FinishedRun,
  job: FinishedRun['job'],
  { inputs, targets }: Samples,
): { losses: number[]; final: number } {
  const { mean, inverseDeviation } = initial.normalization;
  const x = inputs.map((row) => row.map((value, j) => (value - (mean[j] ?? NaN)) * (inverseDeviation[j] ?? NaN)));
  const { loss, optimizer, regularization } = job.training;
  const network = new TextbookNetwork(job.model.layers, loss, new Map(initial.tensors));
  const states = new Map<string, TextbookState>();
  const losses: number[] = [];
  for (let step = 1; step <= STEPS; step += 1) {
    losses.push(network.train(x, targets));
    for (const [name, gradient] of network.gradients) {
      const state = states.get(name) ?? startAt(network.tensors.get(name) ?? []);
      states.set(name, state);
      const [l2, l1] = name.endsWith('.weight') ? [regularization.l2, regularization.l1] : [0, 0];
      const g = gradient.map((value, i) => {
        const w = state.weights[i] ?? NaN;
        return value + (l2 * w) / targets.length + (l1 * Math.sign(w)) / (2 * targets.length);
      });
      textbookUpdate(optimizer, state, g, optimizer.learningRate, step);
      network.tensors.set(name, state.weights);
    }
  }
  return { losses, final: network.evaluate(x, targets) };
}

describe('20 full-batch steps replayed by a textbook from the initial weights', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-replay-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const classesPath = join(folder, 'classes.csv');
  writeClasses(classesPath);

  const perceptron = {
    data: { task: 'classification', train: { format: 'csv', path: classesPath, label: 'kind' } },
    model: {
      layers: [
        { type: 'dense', units: 16 },
        'batchNorm',
        'relu',
        { type: 'dense', units: 12 },
        { type: 'batchNorm', momentum: 0.8 },
        'tanh',
        { type: 'dense', units: 8 },
        'relu',
        { type: 'dense', units: 3 },
      ],
    },
    training: { epochs: STEPS, shards: 7, regularization: { l2: 2 }, optimizer: { type: 'adam', learningRate: 0.01 } },
  };
  const jobs = {
    'logistic regression, gradient descent, L2': {
      data: {
        task: 'classification',
        train: { format: 'csv', path: join(DATA, 'breast-cancer.csv'), label: 'benign' },
      },
      model: { layers: [{ type: 'dense', units: 1 }] },
      training: { epochs: STEPS, optimizer: { type: 'gradientDescent', learningRate: 0.5 }, regularization: { l2: 3 } },
    },
    'batch norm, relu, tanh, softmax, Adam, L2': perceptron,
    'the same with RMSprop': {
      ...perceptron,
      training: { ...perceptron.training, optimizer: { type: 'rmsprop', learningRate: 0.003 } },
    },
    'regression, leaky relu, momentum, L1 and L2': {
      data: {
        task: 'regression',
        train: { format: 'csv', path: join(DATA, 'boston-housing.csv'), label: 'cmedv', ignore: ['medv', 'b'] },
      },
      model: {
        layers: [
          { type: 'dense', units: 12 },
          { type: 'leakyRelu', slope: 0.1 },
          { type: 'dense', units: 1 },
        ],
      },
      training: {
        epochs: STEPS,
        shards: 5,
        optimizer: { type: 'momentum', learningRate: 0.02 },
        regularization: { l2: 5, l1: 20 },
      },
    },
  };

  const runJob = (job: object, id: string, steps: number): Promise<FinishedRun> => {
    const path = join(folder, `${id}.yaml`);
    writeFileSync(path, JSON.stringify(job)); // JSON is YAML, too
    return trainToEnd(path, join(folder, id), '--set', 'training.batchSize=full', '--max-steps', `${steps}`);
  };
  /** Initial weights by model: they do not depend on the optimizer. */
  const initialRuns = new Map<object, Promise<FinishedRun>>();
  const initialRun = (job: { readonly model: object }, id: string): Promise<FinishedRun> => {
    const run = initialRuns.get(job.model) ?? runJob(job, `initial-${id}`, 0);
    initialRuns.set(job.model, run);
    return run;
  };

  Object.entries(jobs).forEach(([name, job], number) => {
    it.concurrent(name, async () => {
      const id = `job-${number}`;
      const [initial, run] = await Promise.all([initialRun(job, id), runJob(job, id, STEPS)]);
      const { path: table, label, ...source } = job.data.train;
      const samples = readTable(table, label, 'ignore' in source ? source.ignore : []);
      const { losses, final } = replay(initial, run.job, samples);
      expect(run.stepLosses).toHaveLength(STEPS);
      expect(run.stepLosses[STEPS - 1]).toBeLessThan(0.9 * (run.stepLosses[0] ?? NaN));
      const deviations = run.stepLosses.map((loss, step) => Math.abs(loss / (losses[step] ?? NaN) - 1));
      deviations.forEach((deviation, step) => expect(deviation, `step ${step + 1}`).toBeLessThan(TOLERANCE));
      // With running statistics, and after the last update.
      expect(Math.abs((run.final.train?.loss ?? NaN) / final - 1)).toBeLessThan(TOLERANCE);
    });
  });
});
