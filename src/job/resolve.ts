import type { DataSpec, InitializerSpec, JobDraft, LayerSpec, LossName, ModelSpec } from './job.js';
import type { ParsedJob } from './schema.js';

type ParsedLayer = ParsedJob['model']['layers'][number];

/** Fills in the defaults that depend on other fields. Never fails; whether the whole makes sense is `checkJob`'s question. */
export function resolveJob(parsed: ParsedJob, defaultName: string): JobDraft {
  const data: DataSpec = {
    ...parsed.data,
    normalize: parsed.data.normalize ?? usualNormalization(parsed.data.train.format),
  };
  const model = { layers: resolveLayers(parsed.model.layers) };
  const { seed, baselineError, training, cluster } = parsed;
  return {
    name: parsed.name ?? defaultName,
    seed,
    baselineError,
    data,
    model,
    training: {
      ...training,
      loss: training.loss ?? usualLoss(data.task, outputUnits(model)),
      earlyStopping: training.earlyStopping && {
        ...training.earlyStopping,
        metric: training.earlyStopping.metric ?? (data.task === 'classification' ? 'error' : 'loss'),
      },
    },
    cluster,
  };
}

/** Columns of a table have units of their own; pixels share theirs. */
function usualNormalization(format: 'idx' | 'csv'): DataSpec['normalize'] {
  return format === 'csv' ? 'feature' : 'channel';
}

function usualLoss(task: DataSpec['task'], units: number | null): LossName {
  if (task === 'regression') return 'meanSquaredError';
  return units === 1 ? 'binaryCrossEntropy' : 'softmaxCrossEntropy';
}

/** The index of the dense layer that the output comes from; null where the output has the shape of the data. */
export function outputDense({ layers }: ModelSpec): number | null {
  let index = layers.length - 1;
  while (index >= 0 && layers[index]?.type !== 'dense') {
    const input = layers[index]?.inputs[0];
    // Inputs come earlier, so that the search ends even where the names do not fit together.
    index = layers.slice(0, index).findLastIndex((layer) => layer.name === input);
  }
  return index < 0 ? null : index;
}

function outputUnits(model: ModelSpec): number | null {
  const index = outputDense(model);
  const layer = index === null ? undefined : model.layers[index];
  return layer?.type === 'dense' ? layer.units : null;
}

function resolveLayers(parsed: readonly ParsedLayer[]): readonly LayerSpec[] {
  const names = parsed.map((layer, index) => layer.name ?? `${layer.type}${index}`);
  const inputs = parsed.map((layer, index) => layer.inputs ?? [names[index - 1] ?? 'input']);

  /** The layers after `index` that take its output. */
  const consumers = (index: number): readonly number[] =>
    parsed.flatMap((_, other) =>
      other > index && inputs[other]?.includes(names[index] ?? '') === true ? [other] : [],
    );

  const biasIsRedundant = (index: number): boolean => {
    const takers = consumers(index);
    return takers.length === 1 && takers.every((taker) => parsed[taker]?.type === 'batchNorm');
  };

  const feedsRectifier = (index: number): boolean =>
    consumers(index).some((taker) => {
      const type = parsed[taker]?.type;
      if (type === 'batchNorm' || type === 'dropout') return feedsRectifier(taker);
      return type === 'relu' || type === 'leakyRelu';
    });

  return parsed.map((layer, index): LayerSpec => {
    const common = { name: names[index] ?? '', inputs: inputs[index] ?? [] };
    if (layer.type !== 'dense') return { ...layer, ...common };
    const initializer: InitializerSpec = { type: feedsRectifier(index) ? 'he' : 'xavier', scale: 1 };
    return {
      ...layer,
      ...common,
      bias: layer.bias ?? !biasIsRedundant(index),
      initializer: layer.initializer ?? initializer,
    };
  });
}
