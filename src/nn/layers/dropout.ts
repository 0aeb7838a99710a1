/**
 * Inverted dropout: in training y = x·mask, mask = 1/keepProb with probability keepProb and 0 otherwise; at inference y = x.
 *
 * The mask of an element is a function of (seed, layer, step, position of the sample in the batch, feature), so any process can form it.
 */
import { Purpose } from '../../common/random/purpose.js';
import { sizeOf, type Shape } from '../../common/shape.js';
import { perRow, type Layer } from '../layer.js';

export function dropout(keepProb: number, shape: Shape): Layer {
  const features = sizeOf(shape);
  return {
    type: 'dropout',
    inputShapes: [shape],
    outputShape: shape,
    parameters: [],
    statistics: [],
    compile({
      kernels,
      allocator,
      index,
      seed,
      maxRows,
      inputs: [x = 0],
      inputGradients: [dx = null],
      output: y,
      outputGradient: dy,
    }) {
      const mask = allocator.allocate(maxRows * features);
      const forward = perRow((row, rows, pass) => {
        const at = row * features;
        kernels.dropoutMask(
          rows,
          features,
          keepProb,
          seed,
          Purpose.dropout,
          pass.firstPosition + row,
          pass.step,
          index,
          mask + at,
        );
        kernels.multiply(rows * features, x + at, mask + at, y + at);
      });
      const inference = perRow((row, rows) => {
        kernels.copy(rows * features, x + row * features, y + row * features);
      });
      const backward = perRow((row, rows) => {
        const at = row * features;
        if (dx !== null) kernels.multiply(rows * features, dy + at, mask + at, dx + at);
      });
      return { forward: [forward], inference: [inference], backward: dx === null ? [] : [backward], gradients: [] };
    },
  };
}
