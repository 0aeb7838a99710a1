/** A model: the graph of layers of a job with all its shapes, and the one vector that holds all its numbers. */
import { LockstepError } from '../common/errors.js';
import { formatShape, sizeOf, type Shape } from '../common/shape.js';
import type { LayerSpec, LossName, ModelSpec } from '../job/job.js';
import { createLayer } from './layers/index.js';
import type { Layer, ParameterSpec } from './layer.js';
import { initialize } from './initialize.js';

export interface ModelNode {
  readonly index: number;
  readonly spec: LayerSpec;
  readonly layer: Layer;
  /** Indices of the nodes whose outputs this one takes; −1 is the data. */
  readonly inputs: readonly number[];
}

/** A parameter or running statistic and its place in the model vector. */
export interface TensorSpec {
  /** `<layer index>.<layer type>.<weight|bias|gamma|beta|running_mean|running_var>` */
  readonly name: string;
  readonly layer: number;
  readonly shape: Shape;
  readonly size: number;
  /** Elements from the start of the model vector. */
  readonly offset: number;
  /** null for a running statistic. */
  readonly parameter: ParameterSpec | null;
  readonly initial: number;
}

/**
 * The model vector: first all parameters in model order, which is also the layout of a gradient, then all running
 * statistics. Every tensor starts on a cache line; the gaps stay zero.
 */
export interface Model {
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  readonly nodes: readonly ModelNode[];
  /** In model order: layer by layer, parameters before statistics. */
  readonly tensors: readonly TensorSpec[];
  /** Elements of the parameter part, gaps included. */
  readonly parameterElements: number;
  /** Elements of the whole vector. */
  readonly vectorElements: number;
  /** Trainable numbers, gaps not counted. */
  readonly parameterCount: number;
}

const ALIGNMENT = 16;
const align = (elements: number): number => Math.ceil(elements / ALIGNMENT) * ALIGNMENT;

export function buildModel(spec: ModelSpec, inputShape: Shape): Model {
  const nodes: ModelNode[] = [];
  const byName = new Map<string, number>([['input', -1]]);
  spec.layers.forEach((layerSpec, index) => {
    const inputs = layerSpec.inputs.map((name) => {
      const node = byName.get(name);
      if (node === undefined)
        throw new LockstepError('job', `layer ${layerSpec.name}: no earlier layer is called ${name}`);
      return node;
    });
    const shapes = inputs.map((node) => (node < 0 ? inputShape : (nodes[node]?.layer.outputShape ?? [])));
    nodes.push({ index, spec: layerSpec, layer: createLayer(layerSpec, shapes), inputs });
    byName.set(layerSpec.name, index);
  });
  const output = nodes.at(-1);
  if (output === undefined) throw new LockstepError('job', 'model.layers: a model needs at least one layer');
  return { inputShape, outputShape: output.layer.outputShape, nodes, ...layOut(nodes) };
}

function layOut(nodes: readonly ModelNode[]) {
  const named = (node: ModelNode, name: string): string => `${node.index}.${node.layer.type}.${name}`;
  let offset = 0;
  const place = (size: number): number => {
    const start = offset;
    offset += align(size);
    return start;
  };
  const parameters = nodes.flatMap((node) =>
    node.layer.parameters.map((parameter): TensorSpec => {
      const size = sizeOf(parameter.shape);
      const name = named(node, parameter.name);
      return { name, layer: node.index, shape: parameter.shape, size, offset: place(size), parameter, initial: 0 };
    }),
  );
  const parameterElements = offset;
  const statistics = nodes.flatMap((node) =>
    node.layer.statistics.map((statistic): TensorSpec => {
      const size = sizeOf(statistic.shape);
      const name = named(node, statistic.name);
      return {
        name,
        layer: node.index,
        shape: statistic.shape,
        size,
        offset: place(size),
        parameter: null,
        initial: statistic.initial,
      };
    }),
  );
  const tensors = nodes.flatMap((node) =>
    [...parameters, ...statistics].filter((tensor) => tensor.layer === node.index),
  );
  const parameterCount = parameters.reduce((sum, tensor) => sum + tensor.size, 0);
  return { tensors, parameterElements, vectorElements: offset, parameterCount };
}

/** Writes the initial value of every tensor into a model vector. */
export function initializeModel(model: Model, seed: number, vector: Float32Array | Float64Array): void {
  vector.fill(0);
  model.tensors.forEach((tensor, index) => {
    const values = vector.subarray(tensor.offset, tensor.offset + tensor.size);
    if (tensor.parameter === null) values.fill(tensor.initial);
    else initialize(tensor.parameter, seed, index, values);
  });
}

/** Refuses a loss that cannot be computed from this model's outputs, or a target that it cannot stand for. */
export function checkOutputs(model: Model, loss: LossName, classes: number | null): void {
  const width = sizeOf(model.outputShape);
  const where = `the last layer gives ${formatShape(model.outputShape)} outputs`;
  if (loss === 'softmaxCrossEntropy') {
    if (classes === null)
      throw new LockstepError('job', 'training.loss: softmaxCrossEntropy needs data.task: classification');
    if (width !== classes)
      throw new LockstepError('job', `model.layers: ${where}, but the data has ${classes} classes`);
  } else if (loss === 'binaryCrossEntropy') {
    if (classes !== 2) {
      throw new LockstepError(
        'job',
        `training.loss: binaryCrossEntropy needs two classes, and the data has ${classes ?? 'no'} classes`,
      );
    }
    if (width !== 1) throw new LockstepError('job', `model.layers: ${where}, but binaryCrossEntropy takes exactly 1`);
  } else if (width !== 1) {
    throw new LockstepError('job', `model.layers: ${where}, but meanSquaredError approximates exactly 1 number`);
  }
}
