/**
 * How a gradient is cut into buckets: the units in which it is shipped, summed, applied, and comes back as weights. Buckets
 * decide when bytes travel, never what they are: every operation on them works element by element.
 */

/** A run of the parameter vector, elements [start, end). */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Its index is its place in the order in which buckets become ready: last layer first. */
export interface Bucket extends Range {
  readonly index: number;
}

/** A parameter's place in the model vector. */
export interface Extent {
  readonly offset: number;
  readonly size: number;
}

/**
 * Large tensors are cut at multiples of so many elements from their start. The norm of a gradient must not depend on who updated
 * which range, so Σ g² is formed for each block of this size on its own, and the blocks are added in order in float64: no block may
 * lie in two buckets. 64 KiB per operand: the calls cost nothing beside the work.
 */
export const BUCKET_BLOCK = 16_384;

/** Buckets that a gradient should have for each owner: enough that some are summed while others are still formed. */
const BUCKETS_PER_OWNER = 4;
/** Below this a bucket costs more in messages than it hides (256 KiB), above it little is left to gain (4 MiB). */
const LEAST_ELEMENTS = 2 ** 16;
const MOST_ELEMENTS = 2 ** 20;

/** The size of buckets for a gradient of so many elements that is summed by so many owners. */
export function bucketElements(elements: number, owners: number): number {
  const even = Math.ceil(elements / (owners * BUCKETS_PER_OWNER));
  return Math.min(MOST_ELEMENTS, Math.max(LEAST_ELEMENTS, even));
}

/**
 * Cuts the parameters into buckets of about `elements`: small neighbours share one, large tensors are cut.
 *
 * @param parameters In the order of the vector.
 * @param vectorEnd Where the parameters end in the vector, with the gap behind the last of them. Gaps belong to the bucket in front
 *   of them, so that all buckets together are the whole vector.
 */
export function cutBuckets(parameters: readonly Extent[], elements: number, vectorEnd: number): Bucket[] {
  const ranges: Range[] = [];
  /** Whether the last range is of small tensors, and takes more of them. */
  let open = false;
  let end = vectorEnd;
  for (const { offset, size } of [...parameters].reverse()) {
    if (size > elements) {
      ranges.push(...cutTensor(offset, end, size, elements));
      open = false;
    } else {
      const behind = open ? ranges.pop() : undefined;
      const range: Range = { start: offset, end: behind?.end ?? end };
      ranges.push(range);
      open = range.end - range.start < elements;
    }
    end = offset;
  }
  return ranges.map((range, index) => ({ ...range, index }));
}

/** The parts of one tensor, in the order in which its gradient is formed. The last one takes the gap behind the tensor. */
function cutTensor(offset: number, end: number, size: number, elements: number): Range[] {
  const blocks = Math.ceil(size / BUCKET_BLOCK);
  const parts = Math.min(blocks, Math.ceil(size / Math.max(elements, BUCKET_BLOCK)));
  const cut = (part: number): number => offset + Math.floor((part * blocks) / parts) * BUCKET_BLOCK;
  return Array.from({ length: parts }, (_, part) => ({
    start: cut(part),
    end: part === parts - 1 ? end : cut(part + 1),
  }));
}

/** The bucket that holds an element; undefined beyond the last. */
export function bucketAt(buckets: readonly Bucket[], element: number): Bucket | undefined {
  return buckets.find(({ start, end }) => element >= start && element < end);
}

/**
 * Which buckets are complete, as the operations that form a gradient end one by one.
 */
export class BucketProgress {
  readonly #shares: readonly (readonly { readonly bucket: number; readonly elements: number }[])[];
  readonly #totals: readonly number[];
  #left: number[] = [];

  /** @param writes What each operation writes, in elements of the vector; together they write every parameter once. */
  constructor(buckets: readonly Bucket[], writes: readonly Range[]) {
    this.#shares = writes.map((range) =>
      buckets.flatMap(({ index, start, end }) => {
        const elements = Math.min(end, range.end) - Math.max(start, range.start);
        return elements > 0 ? [{ bucket: index, elements }] : [];
      }),
    );
    const totals = new Array<number>(buckets.length).fill(0);
    for (const { bucket, elements } of this.#shares.flat()) totals[bucket] = (totals[bucket] ?? 0) + elements;
    this.#totals = totals;
    this.begin();
  }

  /** For each bucket the operation after which it is complete when operations end in their order. */
  get lastOperations(): ReadonlySet<number> {
    const last = new Map<number, number>();
    this.#shares.forEach((shares, operation) => {
      for (const { bucket } of shares) last.set(bucket, operation);
    });
    return new Set(last.values());
  }

  /** Starts over: nothing is written. */
  begin(): void {
    this.#left = [...this.#totals];
  }

  /** An operation has ended; returns the buckets that this completes. */
  ended(operation: number): number[] {
    const complete: number[] = [];
    for (const { bucket, elements } of this.#shares[operation] ?? []) {
      const left = (this.#left[bucket] ?? 0) - elements;
      this.#left[bucket] = left;
      if (left === 0) complete.push(bucket);
    }
    return complete;
  }
}
