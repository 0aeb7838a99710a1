/**
 * The contract of the numeric core: what a backend computes, on tensors that lie in one {@link Arena}.
 *
 * Shape legend
 *   rows   samples, one after another        cols   features of a sample
 *   m n k  C[m,n] = A[m,k] · B[k,n]          ld_    leading dimension: elements from one row to the next
 *
 * All matrices are row-major. Every position is an {@link Offset} in elements. Unless stated otherwise operands must not
 * overlap, except that an elementwise result may be written exactly over an input of the same size.
 *
 * Two rules make the bits independent of who computes what:
 *   1. A kernel treats rows independently of each other, or sums them in an order that depends on `rows` and `cols` alone;
 *      `gemm` alone may round a row differently when the number of rows differs, and then says so in
 *      {@link Kernels.rowsShareProduct}.
 *   2. No kernel reads a clock, a thread count or an address.
 */
import type { WireFormat } from '../common/wire-format.js';
import type { Arena, Offset } from './arena.js';

export type BackendName = 'reference' | 'wasm' | 'openblas';

/** The sizes and orientation of one product C[m,n] = op(A)·op(B). */
export interface ProductShape {
  /** A is stored as [k,m]. */
  readonly transA: boolean;
  /** B is stored as [n,k]. */
  readonly transB: boolean;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** Elements of scratch that {@link Kernels.gemmTree} needs for a C of `elements` elements. */
export function gemmTreeScratch(elements: number, shards: number): number {
  return 2 * Math.ceil(Math.log2(shards)) * (elements + NODE_GAP);
}

/** Lies between the nodes of a tree in scratch, so that equal elements of several don't compete for the same lines of a cache. */
export const NODE_GAP = 272;

export interface Kernels {
  readonly backend: BackendName;
  readonly arena: Arena;

  // ── products ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * C = op(A)·op(B), or C += op(A)·op(B) when `accumulate`. With `accumulate` the product is formed on its own first
   * and then added to C for k up to a limit of the backend: see {@link Kernels.accumulationIsExact}.
   */
  gemm(
    transA: boolean,
    transB: boolean,
    m: number,
    n: number,
    k: number,
    a: Offset,
    lda: number,
    b: Offset,
    ldb: number,
    accumulate: boolean,
    c: Offset,
    ldc: number,
  ): void;

  /**
   * Whether one product over `count × shape.m` rows of A (transA = false) has the same bits as `count` separate products over
   * `shape.m` rows each. True only where it is known by construction or was probed on random data at these exact sizes.
   */
  rowsShareProduct(shape: ProductShape, count: number): boolean;

  /** Whether gemm with `accumulate` has the same bits as a separate product followed by {@link Kernels.addRect}. */
  accumulationIsExact(shape: ProductShape): boolean;

  /**
   * C[m,n] = Aᵀ·B summed over logical shards: A[rows,m] and B[rows,n] are cut into `shards` shards of nearly equal size, the larger
   * ones first; the products of the shards are rounded one by one and added in the order of the canonical reduction tree
   * (src/reduce/tree.ts). Shards without rows are absent. rows ≥ 1.
   *
   * The product of one shard, which is what `shards` = 1 gives, rounds as m, n and its own rows say; whether `gemm` rounds it the
   * same way is up to the backend.
   *
   * @param scratch room for {@link gemmTreeScratch}(m·n, shards) elements
   */
  gemmTree(
    m: number,
    n: number,
    rows: number,
    shards: number,
    a: Offset,
    lda: number,
    b: Offset,
    ldb: number,
    c: Offset,
    ldc: number,
    scratch: Offset,
  ): void;

  // ── elementwise ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** y = x */
  copy(n: number, x: Offset, y: Offset): void;
  /** y = value */
  fill(n: number, value: number, y: Offset): void;
  /** y = factor · y */
  scale(n: number, factor: number, y: Offset): void;
  /** y = y + x */
  add(n: number, x: Offset, y: Offset): void;
  /** Y[rows,cols] = Y + X, each with its own leading dimension. */
  addRect(rows: number, cols: number, x: Offset, ldx: number, y: Offset, ldy: number): void;
  /** z = x · y, element by element. */
  multiply(n: number, x: Offset, y: Offset, z: Offset): void;
  /** Y[rows,cols] = Y + bias[cols] in every row. */
  addBias(rows: number, cols: number, bias: Offset, y: Offset): void;
  /** addBias, then relu over Y, in one pass and with the same bits. */
  addBiasRelu(rows: number, cols: number, bias: Offset, y: Offset): void;

  /** y = max(x, 0) */
  relu(n: number, x: Offset, y: Offset): void;
  /** dx = dy where y > 0, else 0. `y` is the output of the forward pass. */
  reluBackward(n: number, y: Offset, dy: Offset, dx: Offset): void;
  /** y = x where x > 0, else slope · x; slope > 0. */
  leakyRelu(n: number, slope: number, x: Offset, y: Offset): void;
  /** dx = dy where y > 0, else slope · dy. */
  leakyReluBackward(n: number, slope: number, y: Offset, dy: Offset, dx: Offset): void;
  /** y = 1 / (1 + e^−x), without overflow for any x. */
  sigmoid(n: number, x: Offset, y: Offset): void;
  /** dx = dy · y · (1 − y) */
  sigmoidBackward(n: number, y: Offset, dy: Offset, dx: Offset): void;
  /** y = tanh x */
  tanh(n: number, x: Offset, y: Offset): void;
  /** dx = dy · (1 − y²) */
  tanhBackward(n: number, y: Offset, dy: Offset, dx: Offset): void;
  /** Y[rows,cols]: e^(x − max) / Σ e^(x − max) in every row. */
  softmax(rows: number, cols: number, x: Offset, y: Offset): void;
  /** dx = y · (dy − Σ dy·y) in every row. */
  softmaxBackward(rows: number, cols: number, y: Offset, dy: Offset, dx: Offset): void;

  // ── columns ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** out[cols] = Σ over rows of X. Summed in blocks, so that thousands of rows keep their accuracy. */
  columnSums(rows: number, cols: number, x: Offset, out: Offset): void;
  /** mean[cols], and m2[cols] = Σ (x − mean)², two passes. rows ≥ 1. */
  columnMoments(rows: number, cols: number, x: Offset, mean: Offset, m2: Offset): void;
  /** sumX[cols] = Σ X, sumXY[cols] = Σ X·Y over rows: the two sums of the batch-norm backward pass. */
  columnDots(rows: number, cols: number, x: Offset, y: Offset, sumX: Offset, sumXY: Offset): void;

  // ── batch normalisation (Ioffe & Szegedy 2015) ─────────────────────────────────────────────────────────────────────

  /** x̂ = (x − mean)·inverseDeviation, y = γ·x̂ + β; vectors of length cols. `normalized` (x̂) is kept for the backward pass. */
  batchNorm(
    rows: number,
    cols: number,
    x: Offset,
    mean: Offset,
    inverseDeviation: Offset,
    gamma: Offset,
    beta: Offset,
    normalized: Offset,
    y: Offset,
  ): void;
  /** dx = γ·inverseDeviation·(dy − sumDy/count − x̂·sumDyX̂/count); `count` is the number of samples that were normalised together. */
  batchNormBackward(
    rows: number,
    cols: number,
    dy: Offset,
    normalized: Offset,
    gamma: Offset,
    inverseDeviation: Offset,
    sumDy: Offset,
    sumDyNormalized: Offset,
    count: number,
    dx: Offset,
  ): void;

  /** batchNorm, then relu over y, in one pass and with the same bits. */
  batchNormRelu(
    rows: number,
    cols: number,
    x: Offset,
    mean: Offset,
    inverseDeviation: Offset,
    gamma: Offset,
    beta: Offset,
    normalized: Offset,
    y: Offset,
  ): void;
  /**
   * reluBackward of dy, then columnDots with x̂, in one pass and with the same bits: sumDy[cols] = Σ g and sumDyNormalized[cols] = Σ g·x̂,
   * where g = dy where γ·x̂ + β > 0, else 0. Needs no output of the forward pass.
   */
  batchNormReluDots(
    rows: number,
    cols: number,
    dy: Offset,
    normalized: Offset,
    gamma: Offset,
    beta: Offset,
    sumDy: Offset,
    sumDyNormalized: Offset,
  ): void;
  /** reluBackward of dy, then batchNormBackward, in one pass and with the same bits. */
  batchNormReluBackward(
    rows: number,
    cols: number,
    dy: Offset,
    normalized: Offset,
    gamma: Offset,
    beta: Offset,
    inverseDeviation: Offset,
    sumDy: Offset,
    sumDyNormalized: Offset,
    count: number,
    dx: Offset,
  ): void;

  // ── dropout ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * mask[rows,cols] = 1/keepProb with probability keepProb, else 0 (inverted dropout). Element (r, c) takes word c mod 4 of
   * Philox4x32-10 (Salmon et al. 2011) with key (keyLow, keyHigh) and counter (⌊c/4⌋, firstRow + r, counter2, counter3); it is kept when
   * word · 2⁻³² < keepProb. All four are unsigned 32-bit integers.
   */
  dropoutMask(
    rows: number,
    cols: number,
    keepProb: number,
    keyLow: number,
    keyHigh: number,
    firstRow: number,
    counter2: number,
    counter3: number,
    mask: Offset,
  ): void;

  // ── losses: per-row loss and the gradient of its sum with respect to the inputs ────────────────────────────────────

  /**
   * loss[r] = log Σ e^x − x[label], stable for any x; gradient = softmax(x) − onehot(label). `labels` holds one class index per row,
   * stored as a number of the arena. Pass gradient = −1 to compute the loss alone.
   */
  softmaxCrossEntropy(
    rows: number,
    classes: number,
    logits: Offset,
    labels: Offset,
    loss: Offset,
    gradient: Offset,
  ): void;
  /**
   * loss[r] = Σ over cols of max(x,0) − x·t + log(1 + e^−|x|); gradient = σ(x) − t. Targets t in [0, 1]. gradient = −1: loss alone.
   */
  sigmoidCrossEntropy(
    rows: number,
    cols: number,
    logits: Offset,
    targets: Offset,
    loss: Offset,
    gradient: Offset,
  ): void;
  /** loss[r] = (1/cols)·Σ (x − t)²; gradient = 2(x − t)/cols. gradient = −1: loss alone. */
  squaredError(rows: number, cols: number, x: Offset, targets: Offset, loss: Offset, gradient: Offset): void;
  /** out[r] = index of the largest x in the row (the first of equals). */
  argmax(rows: number, cols: number, x: Offset, out: Offset): void;

  // ── sums, in float64 ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Σ x */
  sum(n: number, x: Offset): number;
  /** Σ x² */
  sumSquares(n: number, x: Offset): number;
  /** Σ |x| */
  sumAbs(n: number, x: Offset): number;
  /** Σ (scale·g + l2·w + l1·sign w)²: the squared norm of the gradient that an optimizer kernel will use. */
  gradientSumSquares(n: number, weights: Offset, gradient: Offset, scale: number, l2: number, l1: number): number;

  // ── optimizers: one pass over memory ───────────────────────────────────────────────────────────────────────────────
  // The gradient used is g = scale·gradient + l2·w + l1·sign(w), with sign(0) = 0. Weights and state are read in one place
  // and written in another, which may be the same place. How an element moves depends on that element alone. The result is
  // Σ g², in float64 and with the bits of `gradientSumSquares`: a function of the n elements of this one call, so whoever
  // cuts a tensor into ranges cuts it in the same way every time.

  /** w ← w − rate·g. Returns Σ g². */
  gradientDescent(
    n: number,
    weights: Offset,
    gradient: Offset,
    newWeights: Offset,
    scale: number,
    l2: number,
    l1: number,
    rate: number,
  ): number;
  /** v ← beta·v + (1 − beta)·g; w ← w − rate·v. Returns Σ g². */
  momentum(
    n: number,
    weights: Offset,
    gradient: Offset,
    velocity: Offset,
    newWeights: Offset,
    newVelocity: Offset,
    scale: number,
    l2: number,
    l1: number,
    rate: number,
    beta: number,
  ): number;
  /** s ← beta·s + (1 − beta)·g²; w ← w − rate·g / (√s + epsilon). Returns Σ g². */
  rmsprop(
    n: number,
    weights: Offset,
    gradient: Offset,
    square: Offset,
    newWeights: Offset,
    newSquare: Offset,
    scale: number,
    l2: number,
    l1: number,
    rate: number,
    beta: number,
    epsilon: number,
  ): number;
  /**
   * v ← beta1·v + (1 − beta1)·g; s ← beta2·s + (1 − beta2)·g²; w ← w − rate·(v/correction1) / (√(s/correction2) + epsilon),
   * where correction = 1 − betaᵗ at the t-th update, computed by the caller. Returns Σ g².
   */
  adam(
    n: number,
    weights: Offset,
    gradient: Offset,
    velocity: Offset,
    square: Offset,
    newWeights: Offset,
    newVelocity: Offset,
    newSquare: Offset,
    scale: number,
    l2: number,
    l1: number,
    rate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    correction1: number,
    correction2: number,
  ): number;

  // ── wire formats ───────────────────────────────────────────────────────────────────────────────────────────────────
  // Rounding is to nearest, ties to even; what is too large becomes ±∞, subnormal numbers are kept, zeros keep their sign. A
  // NaN stays one; 16-bit formats know a single one, the quiet NaN without sign and payload. Numbers of 4 or 2 bytes lie
  // one after another, little-endian, from a position in BYTES from the start of the arena; any position will do.
  // encode, then decode, is roundTo.

  /** x = the nearest number that the format can hold. */
  roundTo(format: WireFormat, n: number, x: Offset): void;
  /** y = y + x, rounded to float32 and then to the format: a node of a reduction tree whose numbers travel in the format. */
  addRounded(format: WireFormat, n: number, x: Offset, y: Offset): void;
  /** Writes the n numbers at x to `bytes`, rounded as roundTo does. */
  encode(format: WireFormat, n: number, x: Offset, bytes: number): void;
  /** y = the n numbers written at `bytes`. */
  decode(format: WireFormat, n: number, bytes: number, y: Offset): void;

  // ── input ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Y[rows,cols] = (byte − mean[cols])·inverseDeviation[cols]. `bytes` is a position in BYTES from the start of the arena. */
  standardizeBytes(rows: number, cols: number, bytes: number, mean: Offset, inverseDeviation: Offset, y: Offset): void;
  /** Y[rows,cols] = (X − mean[cols])·inverseDeviation[cols] */
  standardize(rows: number, cols: number, x: Offset, mean: Offset, inverseDeviation: Offset, y: Offset): void;
}

/** Elements of scratch space that every instance of a backend needs for itself (packing buffers); one instance per thread. */
export const KERNEL_SCRATCH_ELEMENTS = 1 << 20;

/** Makes the kernels of one backend for one thread. `scratch` is a block of {@link KERNEL_SCRATCH_ELEMENTS} of its own. */
export type KernelFactory = (arena: Arena, scratch: Offset) => Kernels;
