/** Element-wise layers that own no memory: y = f(x), with dx computed from y and dy. */
import { sizeOf, type Shape } from '../../common/shape.js';
import type { Offset } from '../../kernels/arena.js';
import type { Kernels } from '../../kernels/kernels.js';
import { perRow, type Layer } from '../layer.js';

interface Activation {
  forward(kernels: Kernels, rows: number, features: number, x: Offset, y: Offset): void;
  backward(kernels: Kernels, rows: number, features: number, y: Offset, dy: Offset, dx: Offset): void;
}

function activation(type: string, shape: Shape, outputShape: Shape, f: Activation): Layer {
  const features = sizeOf(shape);
  return {
    type,
    inputShapes: [shape],
    outputShape,
    parameters: [],
    statistics: [],
    compile({ kernels, inputs: [x = 0], inputGradients: [dx = null], output: y, outputGradient: dy }) {
      const forward = perRow((row, rows) => {
        f.forward(kernels, rows, features, x + row * features, y + row * features);
      });
      const backward = perRow((row, rows) => {
        const at = row * features;
        if (dx !== null) f.backward(kernels, rows, features, y + at, dy + at, dx + at);
      });
      return { forward: [forward], inference: [forward], backward: dx === null ? [] : [backward], gradients: [] };
    },
  };
}

const copy: Activation = {
  forward: (kernels, rows, features, x, y) => kernels.copy(rows * features, x, y),
  backward: (kernels, rows, features, _y, dy, dx) => kernels.copy(rows * features, dy, dx),
};

/** y = x */
export const linear = (shape: Shape): Layer => activation('linear', shape, shape, copy);

/** The same numbers as one row of features. */
export const flatten = (shape: Shape): Layer => activation('flatten', shape, [sizeOf(shape)], copy);

/** y = max(x, 0) */
export const relu = (shape: Shape): Layer =>
  activation('relu', shape, shape, {
    forward: (kernels, rows, features, x, y) => kernels.relu(rows * features, x, y),
    backward: (kernels, rows, features, y, dy, dx) => kernels.reluBackward(rows * features, y, dy, dx),
  });

/** y = x above zero, slope·x below. */
export const leakyRelu = (slope: number, shape: Shape): Layer =>
  activation('leakyRelu', shape, shape, {
    forward: (kernels, rows, features, x, y) => kernels.leakyRelu(rows * features, slope, x, y),
    backward: (kernels, rows, features, y, dy, dx) => kernels.leakyReluBackward(rows * features, slope, y, dy, dx),
  });

/** y = 1/(1 + e^−x) */
export const sigmoid = (shape: Shape): Layer =>
  activation('sigmoid', shape, shape, {
    forward: (kernels, rows, features, x, y) => kernels.sigmoid(rows * features, x, y),
    backward: (kernels, rows, features, y, dy, dx) => kernels.sigmoidBackward(rows * features, y, dy, dx),
  });

/** y = tanh x */
export const tanh = (shape: Shape): Layer =>
  activation('tanh', shape, shape, {
    forward: (kernels, rows, features, x, y) => kernels.tanh(rows * features, x, y),
    backward: (kernels, rows, features, y, dy, dx) => kernels.tanhBackward(rows * features, y, dy, dx),
  });

/** y = e^x / Σ e^x over the features of a sample. */
export const softmax = (shape: Shape): Layer =>
  activation('softmax', shape, shape, {
    forward: (kernels, rows, features, x, y) => kernels.softmax(rows, features, x, y),
    backward: (kernels, rows, features, y, dy, dx) => kernels.softmaxBackward(rows, features, y, dy, dx),
  });
