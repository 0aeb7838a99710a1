/** Layers with several inputs, made by hand to join the branches of a graph. */
import { sizeOf, type Shape } from '../../src/common/shape.js';
import { perRow, type Layer } from '../../src/nn/layer.js';
import type { Model } from '../../src/nn/model.js';

/** y = Πᵢ inputᵢ, element by element: each input's gradient depends on all the others. */
export function productLayer(shape: Shape, inputCount: number): Layer {
  const features = sizeOf(shape);
  return {
    type: 'product',
    inputShapes: Array.from({ length: inputCount }, () => shape),
    outputShape: shape,
    parameters: [],
    statistics: [],
    compile({ kernels, inputs, inputGradients, output, outputGradient }) {
      const multiplyAll = (at: number, start: number, from: readonly number[], to: number, size: number): void => {
        kernels.copy(size, start + at, to + at);
        for (const factor of from) kernels.multiply(size, factor + at, to + at, to + at);
      };
      const forward = perRow((row, rows) => {
        const [first = 0, ...others] = inputs;
        multiplyAll(row * features, first, others, output, rows * features);
      });
      const backward = perRow((row, rows) => {
        inputGradients.forEach((gradient, index) => {
          if (gradient === null) return;
          const others = inputs.filter((_, other) => other !== index);
          multiplyAll(row * features, outputGradient, others, gradient, rows * features);
        });
      });
      return { forward: [forward], inference: [forward], backward: [backward], gradients: [] };
    },
  };
}

/** The model with the layer of node `index` replaced by a product of these nodes' outputs (−1: the data). */
export function withProduct(model: Model, index: number, inputs: readonly number[]): Model {
  const nodes = model.nodes.map((node) => {
    if (node.index !== index) return node;
    return { ...node, inputs, layer: productLayer(node.layer.outputShape, inputs.length) };
  });
  return { ...model, nodes };
}
