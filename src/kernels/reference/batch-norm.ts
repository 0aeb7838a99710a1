import type { Arena, Offset } from '../arena.js';
import type { BatchNorm } from '../contract/batch-norm.js';

/** Batch normalisation, by itself or with a ReLU behind it. x̂ is stored before it is used: the backward pass has nothing else. */
export function referenceBatchNorm(arena: Arena): BatchNorm {
  const data = arena.floats;
  const stored = arena.precision === 'float32' ? Math.fround : (value: number): number => value;

  type Output = (normalized: number, column: number) => number;
  type Gradient = (at: number, column: number) => number;

  const affine =
    (gamma: Offset, beta: Offset): Output =>
    (normalized, c) =>
      stored((data[gamma + c] as number) * normalized + (data[beta + c] as number));

  const rectified =
    (gamma: Offset, beta: Offset): Output =>
    (normalized, c) =>
      Math.max(affine(gamma, beta)(normalized, c), 0);

  /** dy where the output was above zero. */
  const passed = (dy: Offset, normalized: Offset, gamma: Offset, beta: Offset): Gradient => {
    const output = affine(gamma, beta);
    return (at, c) => (output(data[normalized + at] as number, c) > 0 ? (data[dy + at] as number) : 0);
  };

  const forward = (
    rows: number,
    cols: number,
    [x, mean, inverseDeviation]: readonly [Offset, Offset, Offset],
    normalized: Offset,
    y: Offset,
    output: Output,
  ): void => {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        const at = r * cols + c;
        const centered = (data[x + at] as number) - (data[mean + c] as number);
        data[normalized + at] = centered * (data[inverseDeviation + c] as number);
        data[y + at] = output(data[normalized + at] as number, c);
      }
    }
  };

  const backward = (
    rows: number,
    cols: number,
    dy: Gradient,
    normalized: Offset,
    [gamma, inverseDeviation, sumDy, sumDyNormalized]: readonly [Offset, Offset, Offset, Offset],
    count: number,
    dx: Offset,
  ): void => {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        const at = r * cols + c;
        const meanDy = (data[sumDy + c] as number) / count;
        const projection = ((data[normalized + at] as number) * (data[sumDyNormalized + c] as number)) / count;
        data[dx + at] =
          (data[gamma + c] as number) * (data[inverseDeviation + c] as number) * (dy(at, c) - meanDy - projection);
      }
    }
  };

  return {
    batchNorm: (rows, cols, x, mean, inverseDeviation, gamma, beta, normalized, y) =>
      forward(rows, cols, [x, mean, inverseDeviation], normalized, y, affine(gamma, beta)),

    batchNormRelu: (rows, cols, x, mean, inverseDeviation, gamma, beta, normalized, y) =>
      forward(rows, cols, [x, mean, inverseDeviation], normalized, y, rectified(gamma, beta)),

    batchNormReluDots(rows, cols, dy, normalized, gamma, beta, sumDy, sumDyNormalized) {
      const gradient = passed(dy, normalized, gamma, beta);
      for (let c = 0; c < cols; c++) {
        let [sum, dot] = [0, 0];
        for (let r = 0; r < rows; r++) {
          const g = gradient(r * cols + c, c);
          sum += g;
          dot += g * (data[normalized + r * cols + c] as number);
        }
        data[sumDy + c] = sum;
        data[sumDyNormalized + c] = dot;
      }
    },

    batchNormBackward: (rows, cols, dy, normalized, gamma, inverse, sumDy, sumDyNormalized, count, dx) => {
      const vectors = [gamma, inverse, sumDy, sumDyNormalized] as const;
      backward(rows, cols, (at) => data[dy + at] as number, normalized, vectors, count, dx);
    },

    batchNormReluBackward: (rows, cols, dy, normalized, gamma, beta, inverse, sumDy, sumDyNormalized, count, dx) => {
      const vectors = [gamma, inverse, sumDy, sumDyNormalized] as const;
      backward(rows, cols, passed(dy, normalized, gamma, beta), normalized, vectors, count, dx);
    },
  };
}
