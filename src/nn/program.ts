/**
 * A model laid out in memory and turned into the operations of a pass.
 *
 * A training pass is a list of stages: operations that the compute threads run, then exchanges with the rest of the
 * cluster. While an exchange is under way, the threads form the parameter gradients that have become possible so far.
 */
import { sizeOf } from '../common/shape.js';
import type { WireFormat } from '../common/wire-format.js';
import type { Offset } from '../kernels/arena.js';
import { gemmTreeScratch } from '../kernels/contract/products.js';
import type { Kernels } from '../kernels/kernels.js';
import { ABSORBED, absorbedRelus } from './fusion.js';
import { TILE_ELEMENTS, perRow } from './layer.js';
import type {
  Allocator,
  Exchange,
  GradientOperation,
  LayerProgram,
  Operation,
  RowOperation,
  TaskOperation,
} from './layer.js';
import type { Loss } from './losses/loss.js';
import type { Model, ModelNode } from './model.js';

/** Operations run one after the other; threads meet where rows turn into tasks or back. */
export type Segment = readonly (RowOperation | TaskOperation)[];

export interface Stage {
  readonly operations: Segment;
  /** Sent to the cluster once `operations` are done; nothing waits for the answer. */
  readonly posts: readonly Exchange[];
  /** Sent to the cluster once `operations` are done; the next stage needs the answer. */
  readonly awaits: Exchange | null;
  /** Run while `awaits` is under way. */
  readonly meanwhile: Segment;
  /** The stage reads the parameter vector up to here; later layers are not needed yet. */
  readonly weightsEnd: number;
}

export interface ProgramOptions {
  readonly kernels: Kernels;
  readonly allocator: Allocator;
  readonly seed: number;
  readonly maxRows: number;
  readonly maxShards: number;
  /** Scratch of this thread for the nodes of a tree: {@link treeScratchElements}. */
  readonly treeScratch: Offset;
  /** What gradient sums travel in. */
  readonly gradientFormat: WireFormat;
  /** Writes the inputs and targets of its shards; made by whoever knows where samples come from. */
  load(input: Offset, targets: Offset): RowOperation;
}

export interface Program {
  readonly training: readonly Stage[];
  /** The operation of a training pass that forms the losses: the backward pass begins behind it. */
  readonly loss: RowOperation;
  readonly inference: Segment;
  /** Every exchange of a training pass, by index. */
  readonly exchanges: readonly Exchange[];
  /** Every operation that forms part of a gradient, in the order in which they run. */
  readonly gradients: readonly GradientOperation[];
  /** Outputs of the last layer, [maxRows, width]. */
  readonly outputs: Offset;
  /** Outputs of each layer, [maxRows, width]; they stay until the next pass. A layer that another absorbs has that one's. */
  readonly layerOutputs: readonly Offset[];
  /** Per row. */
  readonly targets: Offset;
  readonly losses: Offset;
  readonly predictions: Offset;
}

/** Elements of scratch that one thread needs to form weight gradients in a tree over `shards` shards. */
export function treeScratchElements(shards: number): number {
  return Math.max((Math.ceil(Math.log2(shards)) + 1) * TILE_ELEMENTS, gemmTreeScratch(TILE_ELEMENTS, shards));
}

export function compileProgram(model: Model, loss: Loss, options: ProgramOptions): Program {
  const { allocator, maxRows, kernels } = options;
  const perRowBlock = (features: number): Offset => allocator.allocate(maxRows * features);
  const input = perRowBlock(sizeOf(model.inputShape));
  const targets = perRowBlock(1);
  const losses = perRowBlock(1);
  const predictions = perRowBlock(1);
  const width = sizeOf(model.outputShape);

  const absorbed = absorbedRelus(model);
  const absorbing = new Set(absorbed.values());
  // What an absorbed layer would take and what it gives are one: nobody asks for what lies between.
  const blocks = (): Offset[] =>
    model.nodes.reduce<Offset[]>((placed, { index, layer }) => {
      const shared = placed[absorbed.get(index) ?? index];
      return [...placed, shared ?? perRowBlock(sizeOf(layer.outputShape))];
    }, []);
  const outputs = blocks();
  const outputGradients = blocks();
  const exchanges: Exchange[] = [];
  const fanIn = new GradientRoutes(model, outputGradients, options);
  const programs = model.nodes.map((node) => {
    if (absorbed.has(node.index)) return ABSORBED;
    return node.layer.compile({
      kernels,
      allocator,
      index: node.index,
      seed: options.seed,
      maxRows,
      maxShards: options.maxShards,
      inputs: node.inputs.map((from) => (from < 0 ? input : (outputs[from] as Offset))),
      inputGradients: node.inputs.map((from, position) => fanIn.target(node, from, position)),
      output: outputs[node.index] as Offset,
      outputGradient: outputGradients[node.index] as Offset,
      relu: absorbing.has(node.index),
      tensor: (name) => tensorOffset(model, node, name),
      treeScratch: { at: (level) => options.treeScratch + level * TILE_ELEMENTS },
      gradientFormat: options.gradientFormat,
      exchange(spec) {
        const exchange = { ...spec, index: exchanges.length, layer: node.index };
        exchanges.push(exchange);
        return exchange;
      },
    });
  });

  const last = model.nodes.length - 1;
  const [result, resultGradient] = [outputs[last] as Offset, outputGradients[last] as Offset];
  const measure = (gradient: Offset | null): RowOperation =>
    perRow((row, rows, pass) => {
      const [y, t] = [result + row * width, targets + row];
      loss.run(kernels, rows, width, y, t, losses + row, gradient === null ? null : gradient + row * width);
      if (gradient !== null && pass.lossScale !== 1)
        kernels.scale(rows * width, pass.lossScale, gradient + row * width);
      loss.predict(kernels, rows, width, y, predictions + row);
    });
  const load = options.load(input, targets);
  const trainingLoss = measure(resultGradient);
  return {
    training: stages(
      [load],
      programs,
      trainingLoss,
      (node) => fanIn.after(node),
      (node) => parametersEnd(model, node),
    ),
    loss: trainingLoss,
    inference: [load, ...programs.flatMap((program) => withoutExchanges(program.inference)), measure(null)],
    exchanges,
    gradients: [...programs].reverse().flatMap((program) => program.gradients),
    outputs: result,
    layerOutputs: outputs,
    targets,
    losses,
    predictions,
  };
}

function tensorOffset(model: Model, node: ModelNode, name: string): number {
  const fullName = `${node.index}.${node.layer.type}.${name}`;
  const tensor = model.tensors.find((candidate) => candidate.name === fullName);
  if (tensor === undefined) throw new RangeError(`model has no tensor ${fullName}`);
  return tensor.offset;
}

/** Where the parameters of a layer end in the model vector; those of the layers before it lie in front of them. */
function parametersEnd(model: Model, layer: number): number {
  return model.tensors.reduce(
    (end, tensor) =>
      tensor.layer <= layer && tensor.parameter !== null ? Math.max(end, tensor.offset + tensor.size) : end,
    0,
  );
}

function withoutExchanges(operations: readonly Operation[]): Segment {
  return operations.map((operation) => {
    if (operation.kind === 'exchange') throw new RangeError('inference exchanges nothing');
    return operation;
  });
}

function stages(
  start: Segment,
  programs: readonly LayerProgram[],
  loss: RowOperation,
  after: (node: number) => Segment,
  weightsEndOf: (node: number) => number,
): Stage[] {
  const result: Stage[] = [];
  let operations: (RowOperation | TaskOperation)[] = [...start];
  let posts: Exchange[] = [];
  let putOff: TaskOperation[] = [];
  let weightsEnd = 0;
  const append = (operation: Operation): void => {
    if (operation.kind !== 'exchange') {
      operations.push(operation);
    } else if (operation.exchange.result === null) {
      posts.push(operation.exchange);
    } else {
      result.push({ operations, posts, awaits: operation.exchange, meanwhile: putOff, weightsEnd });
      [operations, posts, putOff] = [[], [], []];
    }
  };
  programs.forEach((program, index) => {
    weightsEnd = weightsEndOf(index);
    program.forward.forEach(append);
  });
  append(loss);
  for (let index = programs.length - 1; index >= 0; index -= 1) {
    const program = programs[index] as LayerProgram;
    program.backward.forEach(append);
    after(index).forEach(append);
    putOff.push(...program.gradients);
  }
  result.push({ operations: [...operations, ...putOff], posts, awaits: null, meanwhile: [], weightsEnd });
  return result;
}

/**
 * Where each layer writes the gradients of its inputs. An output with one consumer takes the gradient directly; with
 * several, the consumer that runs last in the forward pass writes first, and the others are added in a fixed order.
 */
class GradientRoutes {
  readonly #additions = new Map<number, RowOperation[]>();
  readonly #written = new Map<number, number>();
  readonly #model: Model;
  readonly #gradients: readonly Offset[];
  readonly #options: ProgramOptions;

  constructor(model: Model, gradients: readonly Offset[], options: ProgramOptions) {
    this.#model = model;
    this.#gradients = gradients;
    this.#options = options;
    for (const node of model.nodes) for (const from of node.inputs) this.#written.set(from, node.index);
  }

  /** Where node `node` writes the gradient of its input `from`; null for the data, whose gradient nobody needs. */
  target(node: ModelNode, from: number, position: number): Offset | null {
    if (from < 0) return null;
    const gradient = this.#gradients[from] as Offset;
    const isFirstWriter = this.#written.get(from) === node.index && node.inputs.indexOf(from) === position;
    if (isFirstWriter) return gradient;
    const { kernels, allocator, maxRows } = this.#options;
    const size = sizeOf((this.#model.nodes[from] as ModelNode).layer.outputShape);
    const own = allocator.allocate(maxRows * size);
    const add = perRow((row, rows) => kernels.add(rows * size, own + row * size, gradient + row * size));
    this.#additions.set(node.index, [...(this.#additions.get(node.index) ?? []), add]);
    return own;
  }

  /** Additions to make once a node's backward pass is done. */
  after(node: number): Segment {
    return this.#additions.get(node) ?? [];
  }
}
