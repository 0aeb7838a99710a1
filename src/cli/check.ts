/** `lockstep check`: what a job would do, without doing it. */
import { prepareJob, type PreparedJob } from '../../coordinator/prepare.js';
import { measureLayout } from '../../worker/layout.js';
import { layoutOptions } from '../../worker/engine.js';
import { formatShape, sizeOf } from '../common/shape.js';
import type { LoadedJob } from '../job/load.js';
import { selectBackend } from '../kernels/select.js';
import type { ModelNode } from '../nn/model.js';
import { formatCount } from '../common/format.js';
import { renderTable } from '../observe/table.js';
import { completeSubtrees } from '../reduce/tree.js';
import { dealShards } from '../reduce/shards.js';
import { jobFromFlags } from './job-flags.js';

export interface CheckFlags {
  readonly set: readonly string[];
  readonly workers?: number;
  readonly threads?: number;
  readonly json?: boolean;
}

export async function check(path: string, flags: CheckFlags): Promise<void> {
  const loaded = jobFromFlags(path, flags);
  const { backend } = selectBackend('auto');
  const prepared = await prepareJob(loaded.job, loaded.baseDir, backend);
  const facts = { ...describe(prepared), layers: prepared.model.nodes.map(describeLayer), defaults: loaded.defaults };
  process.stdout.write(flags.json === true ? `${JSON.stringify(facts)}\n` : render(path, loaded, prepared, facts));
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
  readonly layers: readonly ReturnType<typeof describeLayer>[];
  readonly defaults: LoadedJob['defaults'];
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
