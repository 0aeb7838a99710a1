import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/common/errors.js';
import { parseJob } from '../../src/job/load.js';

/** The message of the error that a job file ends in, without the name of the file. */
function messageOf(text: string, ...overrides: string[]): string {
  try {
    parseJob(text, { file: 'job.yaml', overrides });
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'job') return error.message.replaceAll(/^job\.yaml:/gm, '');
    throw error;
  }
  return 'no error';
}

const DATA = 'data: { task: classification, train: { format: csv, path: a.csv, label: y } }';
const REGRESSION = 'data: { task: regression, train: { format: csv, path: a.csv, label: y } }';
const MODEL = 'model: { layers: [{ type: dense, units: 3 }] }';
const training = (...lines: string[]) => [DATA, MODEL, 'training:', ...lines.map((line) => `  ${line}`)].join('\n');
const layers = (...items: string[]) =>
  [DATA, 'model:', '  layers:', ...items.map((item) => `    - ${item}`)].join('\n');
const data = (rest: string) => `data: { task: classification, ${rest} }\n${MODEL}`;

describe('keys', () => {
  it.each([
    [
      training('learningRate: 3'),
      '4:3: training.learningRate: unknown key; expected one of epochs, batchSize, shards, shuffle, loss, optimizer, decay, warmupSteps, regularization, clipNorm, wireFormat, accumulate, evaluateEveryEpochs, earlyStopping, onNonFinite, healthEverySteps, checkpoint',
    ],
    [training('bachSize: 3'), '4:3: training.bachSize: unknown key; did you mean batchSize?'],
    [training('batch_size: 3'), '4:3: training.batch_size: unknown key; did you mean batchSize?'],
    [
      training('optimizer:', '  type: adam', '  learningRat: 3'),
      '6:5: training.optimizer.learningRat: unknown key; did you mean learningRate?',
    ],
    [
      training('optimizer: { type: rmsprop, beta1: 0.9 }'),
      '4:31: training.optimizer.beta1: unknown key; did you mean beta?',
    ],
    [
      layers('{ type: relu, slope: 1 }'),
      '4:21: model.layers[0].slope: unknown key; expected one of type, name, inputs',
    ],
    [
      `${DATA}\n${MODEL}\n1: 2`,
      '3:1: 1: unknown key; expected one of name, seed, baselineError, data, model, training, cluster',
    ],
    [
      `${DATA}\n${MODEL}\n__proto__: { seed: 2 }`,
      '3:1: __proto__: unknown key; expected one of name, seed, baselineError, data, model, training, cluster',
    ],
    [DATA, '1:1: model: missing; expected a mapping'],
    [data('train: { format: csv, path: a.csv }'), '1:31: data.train.label: missing; expected text'],
    [layers('dense'), '4:7: model.layers[0].units: missing; expected a whole number ≥ 1'],
    [layers('{ type: dropout }'), '4:7: model.layers[0].keepProb: missing; expected a number > 0 and ≤ 1'],
    [training('decay: inverse'), '4:3: training.decay.rate: missing; expected a number ≥ 0'],
    [training('epochs: 1', 'epochs: 2'), '5:3: training.epochs: expected once, found again; first in line 4'],
  ])('%j → %s', (text, expected) => {
    expect(messageOf(text)).toBe(expected);
  });
});

describe('names that tell branches apart', () => {
  it.each([
    [
      training('optimizer: adm'),
      '4:14: training.optimizer: expected one of gradientDescent, momentum, rmsprop, adam, found "adm"; did you mean adam?',
    ],
    [
      training('optimizer: { type: sgd }'),
      '4:22: training.optimizer.type: expected one of gradientDescent, momentum, rmsprop, adam, found "sgd"',
    ],
    [
      training('optimizer: 5'),
      '4:14: training.optimizer: expected one of gradientDescent, momentum, rmsprop, adam or a mapping with type, found 5',
    ],
    [
      training('optimizer:'),
      '4:13: training.optimizer: expected one of gradientDescent, momentum, rmsprop, adam or a mapping with type, found nothing',
    ],
    [
      training('decay: { rate: 1 }'),
      '4:3: training.decay.type: missing; expected one of constant, inverse, exponential, inverseSqrt, staircase, table',
    ],
    [
      training('decay: [inverse]'),
      '4:10: training.decay: expected one of constant, inverseSqrt or a mapping with type, found a list',
    ],
    [
      layers('Relu'),
      '4:7: model.layers[0]: expected one of dense, batchNorm, dropout, leakyRelu, linear, sigmoid, tanh, relu, softmax, flatten, found "Relu"; did you mean relu?',
    ],
    [
      layers('{ type: dense, units: 2, initializer: hee }'),
      '4:45: model.layers[0].initializer: expected one of he, xavier, zeros, found "hee"; did you mean he?',
    ],
    [data('train: { format: parquet }'), '1:48: data.train.format: expected one of idx, csv, found "parquet"'],
    [data('train: a.csv'), '1:38: data.train: expected a mapping with format, one of idx, csv, found "a.csv"'],
  ])('%j → %s', (text, expected) => {
    expect(messageOf(text)).toBe(expected);
  });
});

describe('values', () => {
  it.each([
    [training('epochs: 0'), '4:11: training.epochs: expected a whole number ≥ 1, found 0'],
    [training('epochs: 2.5'), '4:11: training.epochs: expected a whole number ≥ 1, found 2.5'],
    [training('epochs: -0.5'), '4:11: training.epochs: expected a whole number ≥ 1, found -0.5'],
    [training('epochs: "5"'), '4:11: training.epochs: expected a whole number ≥ 1, found "5"'],
    [training('epochs: 1e400'), '4:11: training.epochs: expected a whole number ≥ 1, found Infinity'],
    [training('clipNorm: .nan'), '4:13: training.clipNorm: expected a number > 0 or null, found NaN'],
    [training('shuffle: yes'), '4:12: training.shuffle: expected true or false, found "yes"'],
    [
      training('batchSize: ful'),
      '4:14: training.batchSize: expected full or auto or a whole number ≥ 0, found "ful"; did you mean full?',
    ],
    [
      training('loss: crossEntropy'),
      '4:9: training.loss: expected one of softmaxCrossEntropy, binaryCrossEntropy, meanSquaredError, found "crossEntropy"',
    ],
    [training('regularization: 0.1'), '4:19: training.regularization: expected a mapping, found 0.1'],
    [
      training('optimizer: { type: momentum, beta: 1 }'),
      '4:38: training.optimizer.beta: expected a number ≥ 0 and < 1, found 1',
    ],
    [
      layers('{ type: dropout, keepProb: 0 }'),
      '4:34: model.layers[0].keepProb: expected a number > 0 and ≤ 1, found 0',
    ],
    [
      layers('{ type: dropout, keepProb: 1.5 }'),
      '4:34: model.layers[0].keepProb: expected a number > 0 and ≤ 1, found 1.5',
    ],
    [`${DATA}\nmodel: { layers: [] }`, '2:18: model.layers: expected a list that is not empty, found an empty list'],
    [`${DATA}\nmodel: { layers: relu }`, '2:18: model.layers: expected a list that is not empty, found "relu"'],
    [
      `${DATA}\n${MODEL}\nseed: 4294967296`,
      '3:7: seed: expected a whole number ≥ 0 and ≤ 4294967295, found 4294967296',
    ],
    [
      `${DATA}\n${MODEL}\nname: ../up`,
      '3:7: name: expected a name of letters, digits, ".", "_" and "-", starting with a letter or digit, found "../up"',
    ],
    [
      data('train: { format: csv, path: a, label: y }, split: { dev: 5000 }'),
      '1:88: data.split.dev: expected a number ≥ 0 and < 1, such as 0.1, found 5000',
    ],
    [
      data('train: { format: csv, path: a, label: y, delimiter: ";;" }'),
      '1:83: data.train.delimiter: expected one character, found ";;"',
    ],
    [
      data('train: { format: csv, path: a, label: y, ignore: [b, 3] }'),
      '1:84: data.train.ignore[1]: expected text, found 3',
    ],
    ['', '1:1: expected a mapping, found nothing'],
    ['- relu', '1:1: expected a mapping, found a list'],
  ])('%j → %s', (text, expected) => {
    expect(messageOf(text)).toBe(expected);
  });
});

describe('fields that have to agree', () => {
  const dense = (units: number, more = '') => `{ type: dense, units: ${units}${more} }`;
  it.each([
    [
      layers(dense(4, ', name: a'), '{ type: relu, name: a }'),
      '5:27: model.layers[1].name: expected a name of its own, found "a", the name of model.layers[0]',
    ],
    [
      layers('{ type: relu, name: input }'),
      '4:27: model.layers[0].name: expected another name; input stands for the data',
    ],
    [
      layers(dense(4, ', name: hidden'), '{ type: relu, inputs: hiden }', dense(3)),
      '4:7: model.layers[0]: expected some layer to take the output of "hidden", found none\n5:29: model.layers[1].inputs: expected an earlier layer, found "hiden"; did you mean hidden?',
    ],
    [
      layers('{ type: relu, inputs: end }', dense(3, ', name: end')),
      '4:29: model.layers[0].inputs: expected an earlier layer, found "end", which comes later, as model.layers[1]',
    ],
    [
      layers('{ type: relu, name: a, inputs: a }', dense(3)),
      '4:38: model.layers[0].inputs: expected an earlier layer, found "a", the layer itself',
    ],
    [
      layers('relu', 'tanh', '{ type: dense, units: 3, inputs: [relu0, tanh1] }'),
      '6:40: model.layers[2].inputs: expected one input for dense, found 2',
    ],
    [
      layers('relu', '{ type: dense, units: 3, inputs: input }'),
      '4:7: model.layers[0]: expected some layer to take the output of "relu0", found none',
    ],
    [
      layers(dense(3), 'softmax'),
      '5:7: model.layers[1]: expected logits as the output, as softmaxCrossEntropy takes them; remove the softmax layer',
    ],
    [
      layers(dense(1), 'sigmoid'),
      '5:7: model.layers[1]: expected logits as the output, as binaryCrossEntropy takes them; remove the sigmoid layer',
    ],
    [
      training('loss: binaryCrossEntropy'),
      '2:41: model.layers[0].units: expected 1 unit for binaryCrossEntropy (several classes take softmaxCrossEntropy), found 3',
    ],
    [
      training('loss: meanSquaredError'),
      '4:9: training.loss: expected softmaxCrossEntropy or binaryCrossEntropy for classification, found meanSquaredError',
    ],
    [
      `${REGRESSION}\n${MODEL}`,
      '2:41: model.layers[0].units: expected 1 unit for meanSquaredError, the number to be approximated, found 3',
    ],
    [
      `${REGRESSION}\n${MODEL}\ntraining: { loss: softmaxCrossEntropy }`,
      '3:19: training.loss: expected meanSquaredError for regression, found softmaxCrossEntropy',
    ],
    [
      `${layers(dense(1))}\ntraining: { loss: softmaxCrossEntropy }`,
      '4:29: model.layers[0].units: expected a unit per class for softmaxCrossEntropy (with 1 unit, two classes take binaryCrossEntropy), found 1',
    ],
    [
      data('train: { format: csv, path: a, label: y }, split: { dev: 0.5, test: 0.5 }'),
      '1:81: data.split: expected dev + test < 1, as the rest is trained on; found 1',
    ],
    [
      data('train: { format: csv, path: a, label: y }, dev: { format: csv, path: b, label: y }, split: { dev: 0.5 }'),
      '1:129: data.split.dev: expected no share, as data.dev has samples of its own; found 0.5',
    ],
    [
      data('train: { format: csv, path: a, label: y, ignore: [x, y] }'),
      '1:84: data.train.ignore[1]: expected columns to learn from, found the label "y"',
    ],
    [
      training(
        'decay: { type: table, entries: [{ epoch: 0, learningRate: 1 }, { epoch: 5, learningRate: 1 }, { epoch: 5, learningRate: 1 }] }',
      ),
      '4:106: training.decay.entries[2].epoch: expected epochs in ascending order, found 5 after 5',
    ],
    [
      `${DATA}\n${MODEL}\ncluster: { workers: 2, collective: local }`,
      '3:36: cluster.collective: expected auto or star, as local is for one worker and cluster.workers is 2; found local',
    ],
  ])('%j → %s', (text, expected) => {
    expect(messageOf(text)).toBe(expected);
  });

  it('accept what only looks alike', () => {
    expect(messageOf(layers(dense(8), 'softmax', dense(3)))).toBe('no error');
    expect(messageOf(`${REGRESSION}\nmodel: { layers: [{ type: dense, units: 1 }, sigmoid] }`)).toBe('no error');
    expect(messageOf(layers('relu'))).toBe('no error');
    expect(messageOf(`${DATA}\n${MODEL}\ncluster: { workers: 1, collective: local }`)).toBe('no error');
  });
});

describe('text that is not YAML', () => {
  it.each([
    ['data: {', /^1:8: not valid YAML: Flow map .* must .* end with a }$/],
    [`${DATA}\n${MODEL}\nseed: *one`, /^3:7: not valid YAML: no anchor &one before this$/],
    [`${DATA}\n${MODEL}\nseed: !random 1`, /^3:7: not valid YAML: Unresolved tag: !random$/],
    [`${DATA}\n${MODEL}\nseed: 1\n---\nseed: 2`, /^4:1: not valid YAML: Source contains multiple documents/],
  ])('%j', (text, expected) => {
    expect(messageOf(text)).toMatch(expected);
  });
});

it('reports all problems, one per line, the first line first', () => {
  const text = training('clipNorm: 0', 'bachSize: 3', 'epochs: 1', 'epochs: x').replace(
    MODEL,
    'model: { layers: [rule] }',
  );
  expect(
    messageOf(text, 'cluster.threads=none')
      .split('\n')
      .map((line) => line.replace(/: (expected|unknown).*/, '')),
  ).toEqual([
    '2:19: model.layers[0]',
    '4:13: training.clipNorm',
    '5:3: training.bachSize',
    '7:3: training.epochs',
    '7:11: training.epochs',
    '--set cluster.threads=none',
  ]);
});

it('names the file and says where the keys are described', () => {
  expect(() => parseJob('seed: 1', { file: 'examples/x.yaml' })).toThrow(
    expect.objectContaining({
      code: 'job',
      message:
        'examples/x.yaml:1:1: data: missing; expected a mapping\nexamples/x.yaml:1:1: model: missing; expected a mapping',
      hint: 'docs/job-file.md describes every key: unit, range and default.',
    }),
  );
});
