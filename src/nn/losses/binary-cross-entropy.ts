import { NO_GRADIENT, type Loss } from './loss.js';

/** Logistic regression's loss, from logits: −t·log σ(x) − (1−t)·log(1−σ(x)). One output; class 1 where x > 0. */
export const binaryCrossEntropy: Loss = {
  name: 'binaryCrossEntropy',
  classifies: true,
  run(kernels, rows, width, outputs, targets, loss, gradient) {
    kernels.sigmoidCrossEntropy(rows, width, outputs, targets, loss, gradient ?? NO_GRADIENT);
  },
  predict({ arena: { floats } }, rows, _width, outputs, predictions) {
    for (let row = 0; row < rows; row += 1) floats[predictions + row] = (floats[outputs + row] ?? 0) > 0 ? 1 : 0;
  },
};
