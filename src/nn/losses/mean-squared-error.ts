import { NO_GRADIENT, type Loss } from './loss.js';

/** (x − t)², for one output that approximates a number. */
export const meanSquaredError: Loss = {
  name: 'meanSquaredError',
  classifies: false,
  run(kernels, rows, width, outputs, targets, loss, gradient) {
    kernels.squaredError(rows, width, outputs, targets, loss, gradient ?? NO_GRADIENT);
  },
  predict(kernels, rows, width, outputs, predictions) {
    kernels.copy(rows * width, outputs, predictions);
  },
};
