/** `lockstep check`: what a job would do, without doing it. */
import { prepareJob, type PreparedJob } from '../../coordinator/prepare.js';
import { layoutOptions, measureLayout } from '../../worker/layout.js';
import { EXIT_CODES, LockstepError } from '../common/errors.js';
import { compareSplits, type SplitComparison } from '../data/distribution.js';
import { formatShape, sizeOf } from '../common/shape.js';
import type { LoadedJob } from '../job/load.js';
import { selectBackend, type BackendChoice } from '../kernels/select.js';
import type { ModelNode } from '../nn/model.js';
import { formatCount } from '../common/format.js';
import { renderTable } from '../observe/table.js';
import { completeSubtrees } from '../reduce/tree.js';
import { dealShards } from '../reduce/shards.js';
import type { AugmentationSheet } from './augmentation-sheet.js';
import { renderDistributions } from './check-distributions.js';
import { jobFromFlags } from './job-flags.js';

export interface CheckFlags {
  readonly set: readonly string[];
  readonly workers?: number;
  readonly threads?: number;
  readonly backend: BackendChoice;
  readonly gradients?: boolean;
  readonly samples?: number;
  readonly json?: boolean;
  /** Where to write a picture of augmented samples. */
  readonly augmentation?: string;
}

export async function check(path: string, flags: CheckFlags): Promise<void> {
  if (flags.samples !== undefined && flags.gradients !== true) {
    throw new LockstepError('usage', '--samples is the number of samples of a gradient check: add --gradients');
  }
  const loaded = jobFromFlags(path, flags);
  const { backend } = selectBackend(flags.backend);
  const prepared = await prepareJob(loaded.job, loaded.baseDir, backend);
  const sheet = await requestedSheet(prepared, flags);
  const facts = {
    ...describe(prepared),
    distributions: compareSplits(prepared.data),
    layers: prepared.model.nodes.map(describeLayer),
    defaults: loaded.defaults,
    ...(sheet === null ? {} : { augmentationSheet: sheet }),
  };
  if (flags.json !== true) process.stdout.write(render(path, loaded, prepared, facts));
  const gradients = flags.gradients === true ? await gradientFacts(prepared, flags) : null;
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify({ ...facts, ...(gradients === null ? {} : { gradients }) })}\n`);
  }
}

/** Checks the gradients and says what came out; a wrong one decides the exit code. */
async function gradientFacts(prepared: PreparedJob, flags: CheckFlags) {
  const { checkJobGradients, renderGradients, wrongTensors } = await import('./check-gradients.js');
  const facts = checkJobGradients(prepared, flags.samples);
  if (flags.json !== true) process.stdout.write(renderGradients(facts));
  const wrong = wrongTensors(facts);
  if (wrong.length > 0) {
    process.exitCode = EXIT_CODES.internal;
    process.stderr.write(
      `lockstep: the gradient of ${wrong.join(', ')} is wrong\n` +
        '  This is a defect of Lockstep; please report it, with the job and what --json prints.\n',
    );
  }
  return facts;
}

/** null when no picture is asked for; its code is loaded when one is. */
async function requestedSheet(prepared: PreparedJob, { augmentation }: CheckFlags): Promise<AugmentationSheet | null> {
  if (augmentation === undefined) return null;
  const { writeAugmentationSheet } = await import('./augmentation-sheet.js');
  return writeAugmentationSheet(prepared, augmentation);
}

function describeLayer({ index, spec, layer }: ModelNode) {
  const parameters = layer.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const statistics = layer.statistics.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return { index, name: spec.name, type: spec.type, output: layer.outputShape, parameters, statistics };
}

/** The figures of a job; bytes are those of one step. */
function describe({ job, model, sizes, stepsPerEpoch, data }: PreparedJob) {
  const { workers, threads } = job.cluster;
  const { shards } = job.training;
  const layout = measureLayout(layoutOptions(job, model, sizes.train ?? 0, threads));
  const bytes = (elements: number): number => elements * 4;
  const dealt = dealShards(shards, workers).filter(({ first, end }) => end > first);
  const partials = dealt.reduce((sum, { first, end }) => sum + completeSubtrees(first, end, shards).length, 0);
  const exchanged = layout.program.exchanges.reduce((sum, { width, result }) => {
    return sum + width * (partials + (result === null ? 0 : dealt.length));
  }, 0);
  const datasets = [data.splits.train, data.splits.dev, data.splits.test].flatMap((dataset) => dataset ?? []);
  const dataBytes = datasets.reduce((sum, dataset) => {
    return sum + dataset.size * (sizeOf(dataset.featureShape) * (dataset.dtype === 'uint8' ? 1 : 4) + 8);
  }, 0);
  return {
    samples: sizes,
    parameters: model.parameterCount,
    stepsPerEpoch,
    totalSteps: stepsPerEpoch * job.training.epochs,
    memoryPerWorker: { tensorBytes: bytes(layout.elements), dataBytes },
    wirePerStep: {
      gradientBytes: bytes(model.parameterElements) * partials,
      weightBytes: bytes(model.vectorElements) * workers,
      exchangeBytes: bytes(exchanged),
    },
  };
}

type Facts = ReturnType<typeof describe> & {
  readonly distributions: readonly SplitComparison[];
  readonly layers: readonly ReturnType<typeof describeLayer>[];
  readonly defaults: LoadedJob['defaults'];
  readonly augmentationSheet?: AugmentationSheet;
};

function render(path: string, { defaults }: LoadedJob, prepared: PreparedJob, facts: Facts): string {
  const { job } = prepared;
  const { cluster, training } = job;
  const right = { align: 'right' } as const;
  const layers = renderTable(
    [{ title: 'layer', ...right }, { title: 'type' }, { title: 'output', ...right }, { title: 'parameters', ...right }],
    [
      ['', 'input', formatShape(prepared.model.inputShape), ''],
      ...facts.layers.map(({ index, type, output, parameters }) => [
        String(index),
        type,
        formatShape(output),
        parameters === 0 ? '' : formatCount(parameters),
      ]),
      ['', '', '', formatCount(facts.parameters)],
    ],
  );
  const count = (value: number | null): string => (value === null ? 'none' : formatCount(value));
  const { train, dev, test } = facts.samples;
  const { tensorBytes, dataBytes } = facts.memoryPerWorker;
  const wire = facts.wirePerStep;
  const sheet = facts.augmentationSheet;
  const lines: readonly (readonly [string, string])[] = [
    ['samples', `train ${count(train)}, dev ${count(dev)}, test ${count(test)}`],
    [
      'batch',
      `${count(training.batchSize === 0 ? train : training.batchSize)} samples in ${training.shards} logical shards`,
    ],
    [
      'steps',
      `${formatCount(facts.stepsPerEpoch)} per epoch, ${formatCount(facts.totalSteps)} in ${training.epochs} epochs`,
    ],
    ['cluster', `${cluster.workers} × ${cluster.threads} compute threads`],
    ['memory per worker', `${formatBytes(tensorBytes)} tensors (at most), ${formatBytes(dataBytes)} data`],
    [
      'wire per step',
      `${formatBytes(wire.gradientBytes)} gradients in, ${formatBytes(wire.weightBytes)} weights out, ${formatBytes(wire.exchangeBytes)} batch norm`,
    ],
    ...(sheet === undefined
      ? []
      : [
          [
            'augmentation',
            `${sheet.path}: ${sheet.samples.length} samples, original and epochs 1 to ${sheet.epochs}`,
          ] as const,
        ]),
  ];
  const width = Math.max(...lines.map(([title]) => title.length));
  const filled = defaults.map(({ path: key, value }) => `  ${key}: ${JSON.stringify(value)}`);
  return [
    `${path} is a valid job: ${job.name}, seed ${job.seed}`,
    '',
    layers,
    '',
    ...lines.map(([title, text]) => `${title.padEnd(width)}   ${text}`),
    '',
    ...renderDistributions(facts.distributions),
    filled.length === 0 ? 'Every value is given in the file.' : 'Defaults that were filled in:',
    ...filled,
    '',
  ].join('\n');
}

function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value >= 100 || unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${units[unit] ?? ''}`;
}
