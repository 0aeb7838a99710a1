/** The dimensions of one sample, without the batch: `[784]`, `[28, 28, 1]`. Row-major, channels last. */
export type Shape = readonly number[];

/** The number of elements in one sample of this shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** `28×28×1`, for messages and tables. */
export function formatShape(shape: Shape): string {
  return shape.join('×');
}
