/** Looks at the outputs that a training pass has left in memory, layer by layer. */
import { sizeOf } from '../src/common/shape.js';
import type { Arena } from '../src/kernels/arena.js';
import type { Pass } from '../src/nn/layer.js';
import type { Model } from '../src/nn/model.js';
import type { Program } from '../src/nn/program.js';
import type { ActiveUnits } from '../src/protocol/messages.js';

export class LayerWatch {
  readonly #arena: Arena;
  readonly #model: Model;
  readonly #program: Program;

  constructor(arena: Arena, model: Model, program: Program) {
    this.#arena = arena;
    this.#model = model;
    this.#program = program;
  }

  /** Of each ReLU the units that are above 0 for some sample of the pass. */
  activeUnits(pass: Pass): ActiveUnits[] {
    const rows = rowsOf(pass);
    return this.#model.nodes.flatMap(({ index, layer }) => {
      if (layer.type !== 'relu') return [];
      const width = sizeOf(layer.outputShape);
      const units = new Uint8Array(Math.ceil(width / 8));
      const outputs = this.#outputs(index, rows * width);
      let unit = 0;
      for (const value of outputs) {
        if (value > 0) units[unit >> 3] = (units[unit >> 3] ?? 0) | (1 << (unit & 7));
        unit = unit + 1 === width ? 0 : unit + 1;
      }
      return [{ layer: index, units }];
    });
  }

  /** Index of the first layer with an output that is not finite; null where all are. */
  firstNonFinite(pass: Pass): number | null {
    const rows = rowsOf(pass);
    const found = this.#model.nodes.find(({ index, layer }) =>
      this.#outputs(index, rows * sizeOf(layer.outputShape)).some((value) => !Number.isFinite(value)),
    );
    return found?.index ?? null;
  }

  #outputs(node: number, length: number): Float32Array {
    return this.#arena.view(this.#program.layerOutputs[node] ?? 0, length) as Float32Array;
  }
}

function rowsOf({ shards }: Pass): number {
  const last = shards.at(-1);
  return last === undefined ? 0 : last.start + last.rows;
}
