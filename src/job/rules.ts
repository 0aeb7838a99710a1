import type { DataSource, DataSpec, JobDraft, LayerSpec, LossName, ModelSpec } from './job.js';
import type { Path } from './path.js';
import { didYouMean, type Problem } from './problems.js';
import { outputDense } from './resolve.js';

/** The rules that tie several fields together. Every field by itself is valid already. */
export function checkJob(job: JobDraft): readonly Problem[] {
  return [
    ...checkData(job.data),
    ...checkLayers(job.model),
    ...checkLoss(job),
    ...checkDecay(job.training),
    ...checkEarlyStopping(job),
    ...checkCluster(job),
  ];
}

function checkData(data: DataSpec): readonly Problem[] {
  const problems: Problem[] = [];
  for (const split of ['dev', 'test'] as const) {
    if (data[split] === null || data.split[split] === 0) continue;
    problems.push({
      path: ['data', 'split', split],
      related: [['data', split]],
      message: `expected no share, as data.${split} has samples of its own; found ${data.split[split]}`,
    });
  }
  const heldOut = data.split.dev + data.split.test;
  if (heldOut >= 1) {
    problems.push({
      path: ['data', 'split'],
      related: [
        ['data', 'split', 'dev'],
        ['data', 'split', 'test'],
      ],
      message: `expected dev + test < 1, as the rest is trained on; found ${heldOut}`,
    });
  }
  for (const split of ['train', 'dev', 'test'] as const) problems.push(...checkSource(data[split], ['data', split]));
  return problems;
}

function checkSource(source: DataSource | null, path: Path): readonly Problem[] {
  if (source?.format !== 'csv') return [];
  return (['ignore', 'categorical'] as const).flatMap((key) => {
    const index = source[key].indexOf(source.label);
    if (index < 0) return [];
    const message = `expected columns to learn from, found the label "${source.label}"`;
    return [{ path: [...path, key, index], related: [[...path, 'label']], message }];
  });
}

/** Every layer type there is takes exactly one input. */
function checkLayers({ layers }: ModelSpec): readonly Problem[] {
  const problems: Problem[] = [];
  const indexOf = new Map<string, number>();
  const used = new Set<string>();
  layers.forEach((layer, index) => {
    const path = ['model', 'layers', index];
    const first = indexOf.get(layer.name);
    if (layer.name === 'input')
      problems.push({ path: [...path, 'name'], message: 'expected another name; input stands for the data' });
    else if (first !== undefined) {
      problems.push({
        path: [...path, 'name'],
        related: [['model', 'layers', first, 'name']],
        message: `expected a name of its own, found "${layer.name}", the name of model.layers[${first}]`,
      });
    } else indexOf.set(layer.name, index);
    if (layer.inputs.length !== 1) {
      problems.push({
        path: [...path, 'inputs'],
        message: `expected one input for ${layer.type}, found ${layer.inputs.length}`,
      });
    }
    layer.inputs.forEach((name) => {
      used.add(name);
      const known = name === 'input' || (indexOf.get(name) ?? index) < index;
      if (!known) problems.push({ path: [...path, 'inputs'], message: unknownInput(name, index, layers) });
    });
  });
  layers.slice(0, -1).forEach((layer, index) => {
    if (!used.has(layer.name)) {
      problems.push({
        path: ['model', 'layers', index],
        message: `expected some layer to take the output of "${layer.name}", found none`,
      });
    }
  });
  return problems;
}

function unknownInput(name: string, index: number, layers: readonly LayerSpec[]): string {
  const later = layers.findIndex((layer) => layer.name === name);
  if (later === index) return `expected an earlier layer, found "${name}", the layer itself`;
  if (later > index) return `expected an earlier layer, found "${name}", which comes later, as model.layers[${later}]`;
  const earlier = ['input', ...layers.slice(0, index).map((layer) => layer.name)];
  return `expected an earlier layer, found "${name}"${didYouMean(name, earlier) || `; there are ${earlier.join(', ')}`}`;
}

function checkLoss({ data, model, training: { loss } }: JobDraft): readonly Problem[] {
  const problems: Problem[] = [];
  const path = ['training', 'loss'];
  const isCrossEntropy = loss !== 'meanSquaredError';
  if (isCrossEntropy !== (data.task === 'classification')) {
    const expected = isCrossEntropy ? 'meanSquaredError' : 'softmaxCrossEntropy or binaryCrossEntropy';
    problems.push({
      path,
      related: [['data', 'task']],
      message: `expected ${expected} for ${data.task}, found ${loss}`,
    });
    return problems;
  }
  const last = model.layers.length - 1;
  const output = model.layers[last];
  if (isCrossEntropy && (output?.type === 'softmax' || output?.type === 'sigmoid')) {
    problems.push({
      path: ['model', 'layers', last],
      related: [path],
      message: `expected logits as the output, as ${loss} takes them; remove the ${output.type} layer`,
    });
  }
  const index = outputDense(model);
  const dense = index === null ? undefined : model.layers[index];
  if (index === null || dense?.type !== 'dense') return problems;
  const wantsOne = loss !== 'softmaxCrossEntropy';
  if (wantsOne !== (dense.units === 1)) {
    problems.push({
      path: ['model', 'layers', index, 'units'],
      related: [path],
      message: `expected ${OUTPUT_UNITS[loss]}, found ${dense.units}`,
    });
  }
  return problems;
}

const OUTPUT_UNITS: Readonly<Record<LossName, string>> = {
  softmaxCrossEntropy: 'a unit per class for softmaxCrossEntropy (with 1 unit, two classes take binaryCrossEntropy)',
  binaryCrossEntropy: '1 unit for binaryCrossEntropy (several classes take softmaxCrossEntropy)',
  meanSquaredError: '1 unit for meanSquaredError, the number to be approximated',
};

function checkDecay({ decay }: JobDraft['training']): readonly Problem[] {
  if (decay.type !== 'table') return [];
  return decay.entries.flatMap(({ epoch }, index) => {
    const before = decay.entries[index - 1];
    if (before === undefined || before.epoch < epoch) return [];
    const path = ['training', 'decay', 'entries', index, 'epoch'];
    return [{ path, message: `expected epochs in ascending order, found ${epoch} after ${before.epoch}` }];
  });
}

function checkEarlyStopping({ data, training: { earlyStopping, evaluateEveryEpochs } }: JobDraft): readonly Problem[] {
  if (earlyStopping === null) return [];
  const path = ['training', 'earlyStopping'];
  const problems: Problem[] = [];
  if (data.dev === null && data.split.dev === 0) {
    problems.push({
      path,
      related: [
        ['data', 'split', 'dev'],
        ['data', 'dev'],
      ],
      message: 'expected a dev split to judge by, found none; set data.split.dev to a share such as 0.1, or data.dev',
    });
  }
  if (evaluateEveryEpochs === 0) {
    problems.push({
      path,
      related: [['training', 'evaluateEveryEpochs']],
      message: 'expected evaluations while training goes on, but training.evaluateEveryEpochs is 0; set it to 1',
    });
  }
  if (earlyStopping.metric === 'error' && data.task === 'regression') {
    problems.push({
      path: [...path, 'metric'],
      related: [['data', 'task']],
      message: 'expected loss for regression, found error',
    });
  }
  return problems;
}

function checkCluster({ cluster: { collective, workers } }: JobDraft): readonly Problem[] {
  if (collective !== 'local' || workers === 1) return [];
  const message = `expected auto or star, as local is for one worker and cluster.workers is ${workers}; found local`;
  return [{ path: ['cluster', 'collective'], related: [['cluster', 'workers']], message }];
}
