/** `lockstep check --gradients`: whether the gradient of a job's own model, on its own samples, is the derivative of its cost. */
import type { PreparedJob } from '../../coordinator/prepare.js';
import { LockstepError } from '../common/errors.js';
import { sizeOf } from '../common/shape.js';
import { EpochSampler } from '../data/sampler.js';
import { checkGradients, type GradientReport, type TensorReport } from '../gradients/check.js';
import type { Batch } from '../gradients/pass-rig.js';
import type { Verdict } from '../gradients/verdict.js';
import type { BackendName } from '../kernels/kernels.js';
import { kernelFactory } from '../kernels/select.js';
import { formatCount, formatPlural } from '../common/format.js';
import { renderTable } from '../observe/table.js';

/** Few, as each costs a pass for every number compared; enough for batch norm to have a variance. */
const SAMPLES = 16;
/** The least samples of a logical shard: batch norm over fewer makes ±1 of everything. */
const SHARD_SAMPLES = 4;

export interface GradientFacts extends GradientReport {
  readonly samples: number;
  readonly shards: number;
  readonly backend: BackendName;
}

/** @throws LockstepError `job` for a model that does not fit memory in float64. */
export function checkJobGradients(prepared: PreparedJob, wanted = SAMPLES): GradientFacts {
  const { job, model, backend, data } = prepared;
  const { batchSize, shards: jobShards, loss, regularization } = job.training;
  const size = data.splits.train.size;
  const samples = Math.min(wanted, size, batchSize === 0 ? size : Math.max(batchSize, 1));
  const shards = Math.min(jobShards, Math.max(1, Math.floor(samples / SHARD_SAMPLES)));
  try {
    const report = checkGradients({
      model,
      loss,
      regularization,
      seed: job.seed,
      batch: firstSamples(prepared, samples),
      shards,
      kernels: kernelFactory(backend),
    });
    return { samples, shards, backend, ...report };
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new LockstepError('job', `the gradients cannot be checked: ${thrown.message}`, {
      hint: 'The check holds the model in float64, twice the size of training; try it with fewer --samples, or with narrower layers.',
      cause: thrown,
    });
  }
}

/** The first samples of the first step, as the workers standardise them. */
function firstSamples({ job, data, normalization, model }: PreparedJob, count: number): Batch {
  const { train } = data.splits;
  const width = sizeOf(model.inputShape);
  const ids = new Uint32Array(count);
  new EpochSampler({ size: train.size, seed: job.seed, shuffle: job.training.shuffle }).fill(0, 0, count, ids);
  const inputs = new Float32Array(count * width);
  const targets = new Float32Array(count);
  train.copyFeatures(ids, 0, count, inputs, 0);
  train.copyLabels(ids, 0, count, targets, 0);
  const { mean, inverseDeviation } = normalization;
  for (let i = 0; i < inputs.length; i += 1) {
    const shifted = Math.fround((inputs[i] as number) - (mean[i % width] as number));
    inputs[i] = shifted * (inverseDeviation[i % width] as number);
  }
  return { inputs, targets };
}

/** The tensors whose gradient is wrong, and by whose account. */
export function wrongTensors({ tensors, backend }: GradientFacts): readonly string[] {
  return tensors.flatMap(({ name, verdict, single }) => {
    if (verdict === 'wrong') return [name];
    return single?.verdict === 'wrong' ? [`${name} (${backend} kernels)`] : [];
  });
}

const WORDS: Readonly<Record<Verdict, string>> = {
  right: 'right',
  suspect: 'look again',
  wrong: 'WRONG',
  unseen: 'not seen',
};

export function renderGradients(facts: GradientFacts): string {
  const right = { align: 'right' } as const;
  const table = renderTable(
    [
      { title: 'gradient of' },
      { title: 'elements', ...right },
      { title: 'compared', ...right },
      { title: 'left out', ...right },
      { title: 'error', ...right },
      { title: '' },
      { title: `${facts.backend}, float32`, ...right },
      { title: '' },
    ],
    facts.tensors.map((tensor) => [
      tensor.name,
      formatCount(tensor.size),
      compared(tensor),
      tensor.leftOut === 0 ? '' : formatCount(tensor.leftOut),
      tensor.verdict === 'unseen' ? '' : tensor.error.toExponential(1),
      WORDS[tensor.verdict],
      tensor.single?.error.toExponential(1) ?? '',
      tensor.single === null ? '' : WORDS[tensor.single.verdict],
    ]),
  );
  return [
    `Gradients of the cost, ${facts.cost.toPrecision(6)}, at the initial weights: ${formatPlural(facts.samples, 'sample')} in ` +
      `${formatPlural(facts.shards, 'logical shard')}, dropout held fixed`,
    '',
    table,
    '',
    ...notes(facts),
    '',
  ].join('\n');
}

function compared({ size, elements, directions }: TensorReport): string {
  if (elements === size) return 'all';
  return directions === 0 ? formatCount(elements) : `${formatCount(elements)} + ${directions} directions`;
}

function notes({ tensors, verdict, backend }: GradientFacts): readonly string[] {
  const leftOut = tensors.reduce((sum, tensor) => sum + tensor.leftOut, 0);
  return [
    'error: ‖a − n‖/(‖a‖ + ‖n‖) of backpropagation and central differences, in float64.',
    `${backend}, float32: the same of the kernels that train and backpropagation in float64.`,
    ...(leftOut === 0
      ? []
      : ['left out: a kink, as of a ReLU at 0, lies so near that there is no derivative to compare.']),
    ...(verdict === 'suspect'
      ? ['look again: more --samples help where batch norm stands on few; docs/checking.md has the rest.']
      : []),
  ];
}
