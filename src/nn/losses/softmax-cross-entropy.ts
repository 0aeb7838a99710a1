import { NO_GRADIENT, type Loss } from './loss.js';

/** Softmax and cross-entropy in one, from logits: −log softmax(x)[class]. Several classes, exactly one of them right. */
export const softmaxCrossEntropy: Loss = {
  name: 'softmaxCrossEntropy',
  classifies: true,
  run(kernels, rows, width, outputs, targets, loss, gradient) {
    kernels.softmaxCrossEntropy(rows, width, outputs, targets, loss, gradient ?? NO_GRADIENT);
  },
  predict(kernels, rows, width, outputs, predictions) {
    kernels.argmax(rows, width, outputs, predictions);
  },
};
