import type { Shape } from '../../common/shape.js';
import type { LayerSpec } from '../../job/job.js';
import type { Layer } from '../layer.js';
import { flatten, leakyRelu, linear, relu, sigmoid, softmax, tanh } from './activation.js';
import { batchNorm } from './batch-norm.js';
import { dense } from './dense.js';
import { dropout } from './dropout.js';

/** The layer that a job describes, on inputs of these shapes. */
export function createLayer(spec: LayerSpec, inputShapes: readonly Shape[]): Layer {
  const [shape = []] = inputShapes;
  switch (spec.type) {
    case 'dense':
      return dense(spec, shape);
    case 'batchNorm':
      return batchNorm(spec, shape);
    case 'dropout':
      return dropout(spec.keepProb, shape);
    case 'leakyRelu':
      return leakyRelu(spec.slope, shape);
    case 'linear':
      return linear(shape);
    case 'flatten':
      return flatten(shape);
    case 'relu':
      return relu(shape);
    case 'sigmoid':
      return sigmoid(shape);
    case 'tanh':
      return tanh(shape);
    case 'softmax':
      return softmax(shape);
  }
}
