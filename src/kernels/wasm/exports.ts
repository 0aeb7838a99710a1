/**
 * The functions of dist/kernels.wasm as JavaScript sees them. Names and meaning are those of the contract
 * ({@link Kernels} in ../kernels.ts); every position is a byte address, so an offset of the arena times 4.
 */
export interface WasmExports {
  /** Σx and Σx² of n unsigned bytes, as two float64 at `out`. */
  byteMoments(n: number, x: number, out: number): void;
  /** The normal number with the cumulative probability u. */
  normal(u: number): number;
  /** Normal numbers times deviation: two float32 from each counter (first + pair, tensor, 0, 0). */
  drawNormal(
    pairs: number,
    first: number,
    tensor: number,
    keyLow: number,
    keyHigh: number,
    deviation: number,
    y: number,
  ): void;
  /** Where this instance keeps its temporaries: KERNEL_SCRATCH_ELEMENTS floats. */
  setScratch(address: number): void;
  /** Longest inner dimension that gemm sums without going through C. */
  readonly DEPTH: { readonly value: number };
  gemm(
    transA: boolean,
    transB: boolean,
    m: number,
    n: number,
    k: number,
    a: number,
    lda: number,
    b: number,
    ldb: number,
    accumulate: boolean,
    c: number,
    ldc: number,
  ): void;
  /** Most rows, of all shards together, that gemmTree takes; no shard may be longer than DEPTH, or empty. */
  readonly TREE_ROWS: { readonly value: number };
  gemmTree(
    m: number,
    n: number,
    rows: number,
    shards: number,
    a: number,
    lda: number,
    b: number,
    ldb: number,
    c: number,
    ldc: number,
  ): void;
  /**
   * Y[rows,cols] = (x₀ + x₁) + (x₂ + x₃), or before + that: the sum of 1 to 4 (`count`) nodes of a tree. The nodes lie one after
   * another, `gap` elements apart, and like `before` (0: none) are dense.
   */
  sumNodes(
    rows: number,
    cols: number,
    count: number,
    x: number,
    gap: number,
    before: number,
    y: number,
    ldy: number,
  ): void;
  /** Y[rows,cols] = X with a leading dimension of its own; Y is dense. */
  packRows(rows: number, cols: number, x: number, ldx: number, y: number): void;

  copy(n: number, x: number, y: number): void;
  fill(n: number, value: number, y: number): void;
  scale(n: number, factor: number, y: number): void;
  add(n: number, x: number, y: number): void;
  addRect(rows: number, cols: number, x: number, ldx: number, y: number, ldy: number): void;
  multiply(n: number, x: number, y: number, z: number): void;
  addBias(rows: number, cols: number, bias: number, y: number): void;
  addBiasRelu(rows: number, cols: number, bias: number, y: number): void;

  relu(n: number, x: number, y: number): void;
  reluBackward(n: number, y: number, dy: number, dx: number): void;
  leakyRelu(n: number, slope: number, x: number, y: number): void;
  leakyReluBackward(n: number, slope: number, y: number, dy: number, dx: number): void;
  sigmoid(n: number, x: number, y: number): void;
  sigmoidBackward(n: number, y: number, dy: number, dx: number): void;
  tanh(n: number, x: number, y: number): void;
  tanhBackward(n: number, y: number, dy: number, dx: number): void;
  /** y = e^x; outside the contract, for measuring its accuracy. */
  exponential(n: number, x: number, y: number): void;
  /** y = log x; outside the contract, for measuring its accuracy. */
  logarithm(n: number, x: number, y: number): void;
  softmax(rows: number, cols: number, x: number, y: number): void;
  softmaxBackward(rows: number, cols: number, y: number, dy: number, dx: number): void;

  columnSums(rows: number, cols: number, x: number, out: number): void;
  columnMoments(rows: number, cols: number, x: number, mean: number, m2: number): void;
  columnDots(rows: number, cols: number, x: number, y: number, sumX: number, sumXY: number): void;

  batchNorm(
    rows: number,
    cols: number,
    x: number,
    mean: number,
    inverseDeviation: number,
    gamma: number,
    beta: number,
    normalized: number,
    y: number,
  ): void;
  batchNormBackward(
    rows: number,
    cols: number,
    dy: number,
    normalized: number,
    gamma: number,
    inverseDeviation: number,
    sumDy: number,
    sumDyNormalized: number,
    count: number,
    dx: number,
  ): void;

  batchNormRelu(
    rows: number,
    cols: number,
    x: number,
    mean: number,
    inverseDeviation: number,
    gamma: number,
    beta: number,
    normalized: number,
    y: number,
  ): void;
  batchNormReluDots(
    rows: number,
    cols: number,
    dy: number,
    normalized: number,
    gamma: number,
    beta: number,
    sumDy: number,
    sumDyNormalized: number,
  ): void;
  batchNormReluBackward(
    rows: number,
    cols: number,
    dy: number,
    normalized: number,
    gamma: number,
    beta: number,
    inverseDeviation: number,
    sumDy: number,
    sumDyNormalized: number,
    count: number,
    dx: number,
  ): void;

  dropoutMask(
    rows: number,
    cols: number,
    keepProb: number,
    keyLow: number,
    keyHigh: number,
    firstRow: number,
    counter2: number,
    counter3: number,
    mask: number,
  ): void;
  /**
   * The four words of Philox4x32-10 at one counter, as unsigned integers at `out`; for comparison with published
   * vectors.
   */
  philoxWords(c0: number, c1: number, c2: number, c3: number, keyLow: number, keyHigh: number, out: number): void;

  /** `gradient` = 0: the loss alone. The same holds for the other two losses. */
  softmaxCrossEntropy(
    rows: number,
    classes: number,
    logits: number,
    labels: number,
    loss: number,
    gradient: number,
  ): void;
  sigmoidCrossEntropy(
    rows: number,
    cols: number,
    logits: number,
    targets: number,
    loss: number,
    gradient: number,
  ): void;
  squaredError(rows: number, cols: number, x: number, targets: number, loss: number, gradient: number): void;
  argmax(rows: number, cols: number, x: number, out: number): void;

  sum(n: number, x: number): number;
  sumSquares(n: number, x: number): number;
  sumAbs(n: number, x: number): number;
  gradientSumSquares(n: number, weights: number, gradient: number, scale: number, l2: number, l1: number): number;

  gradientDescent(
    n: number,
    weights: number,
    gradient: number,
    newWeights: number,
    scale: number,
    l2: number,
    l1: number,
    rate: number,
  ): number;
  momentum(
    n: number,
    weights: number,
    gradient: number,
    velocity: number,
    newWeights: number,
    newVelocity: number,
    scale: number,
    l2: number,
    l1: number,
    rate: number,
    beta: number,
  ): number;
  rmsprop(
    n: number,
    weights: number,
    gradient: number,
    square: number,
    newWeights: number,
    newSquare: number,
    scale: number,
    l2: number,
    l1: number,
    rate: number,
    beta: number,
    epsilon: number,
  ): number;
  adam(
    n: number,
    weights: number,
    gradient: number,
    velocity: number,
    square: number,
    newWeights: number,
    newVelocity: number,
    newSquare: number,
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

  roundToBfloat16(n: number, x: number): void;
  roundToFloat16(n: number, x: number): void;
  addRoundedBfloat16(n: number, x: number, y: number): void;
  addRoundedFloat16(n: number, x: number, y: number): void;
  encodeBfloat16(n: number, x: number, bytes: number): void;
  encodeFloat16(n: number, x: number, bytes: number): void;
  decodeBfloat16(n: number, bytes: number, y: number): void;
  decodeFloat16(n: number, bytes: number, y: number): void;

  standardizeBytes(rows: number, cols: number, bytes: number, mean: number, inverseDeviation: number, y: number): void;
  standardize(rows: number, cols: number, x: number, mean: number, inverseDeviation: number, y: number): void;
}
