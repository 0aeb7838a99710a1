/**
 * Holding out samples of a source for the dev and test splits: a pure function of the labels, the shares and the seed.
 */
import { Permutation } from '../common/random/permutation.js';
import { Purpose } from '../common/random/purpose.js';

export interface SplitRequest {
  /** Number of samples. */
  readonly size: number;
  /** Class of each sample, by which the splits are stratified; null: all samples are alike. */
  readonly strata: Uint32Array | null;
  /** Shares of the samples, 0 ≤ dev + test < 1. */
  readonly dev: number;
  readonly test: number;
  readonly seed: number;
}

/** Row numbers in ascending order, in shared memory; together every row exactly once. */
export interface SplitRows {
  readonly train: Uint32Array<SharedArrayBuffer>;
  readonly dev: Uint32Array<SharedArrayBuffer>;
  readonly test: Uint32Array<SharedArrayBuffer>;
}

/**
 * Splits stratified by class. The sizes of the three splits are the whole numbers nearest to share · size that add up to `size`
 * (largest remainder). Those of dev and test are shared out among the classes in the same way, so that the number from a class
 * is within 1 of share · (size of the class). Every class keeps at least one sample in train, even where a held-out split then
 * falls short. Which samples of a class go is random.
 */
export function splitRows(request: SplitRequest): SplitRows {
  const { size, seed } = request;
  const members = groupByStratum(size, request.strata);
  const dev = members.map((rows) => Math.floor(rows.length * request.dev));
  const test = members.map((rows) => Math.floor(rows.length * request.test));
  const room = members.map((rows, stratum) => rows.length - 1 - (dev[stratum] ?? 0) - (test[stratum] ?? 0));
  const sizes = splitSizes(size, request.dev, request.test);
  shareOutRest(dev, members, request.dev, sizes.dev, room);
  shareOutRest(test, members, request.test, sizes.test, room);

  /** 0: train, 1: dev, 2: test */
  const target = new Uint8Array(size);
  members.forEach((rows, stratum) => {
    if (rows.length === 0) return;
    const permutation = new Permutation(rows.length, seed, Purpose.split, stratum);
    const devEnd = dev[stratum] ?? 0;
    const testEnd = devEnd + (test[stratum] ?? 0);
    for (let i = 0; i < testEnd; i++) target[rows[permutation.at(i)] as number] = i < devEnd ? 1 : 2;
  });
  return { train: rowsOf(target, 0), dev: rowsOf(target, 1), test: rowsOf(target, 2) };
}

/**
 * The whole numbers nearest to the shares of `size` that add up to it, train included: the largest remainders are rounded up. Of
 * equal ones train comes first, then dev.
 */
export function splitSizes(size: number, dev: number, test: number): { readonly dev: number; readonly test: number } {
  const exact = [1 - dev - test, dev, test].map((share) => nearWhole(share * size));
  const sizes = exact.map(Math.floor);
  const remainder = exact.map((value, split) => value - (sizes[split] ?? 0));
  const order = [0, 1, 2].sort((a, b) => (remainder[b] ?? 0) - (remainder[a] ?? 0) || a - b);
  const missing = size - sizes.reduce((sum, count) => sum + count, 0);
  for (const split of order.slice(0, missing)) sizes[split] = (sizes[split] ?? 0) + 1;
  const [, forDev = 0, forTest = 0] = sizes;
  return { dev: forDev, test: forTest };
}

/** Shares are rounded themselves: 0.29 · 100 is 28.999999999999996, and 0.0833333333 · 60,000 is meant to be 5,000. */
function nearWhole(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) < 1e-5 ? whole : value;
}

function groupByStratum(size: number, strata: Uint32Array | null): number[][] {
  if (strata === null) return [Array.from({ length: size }, (_, row) => row)];
  const members: number[][] = [];
  for (let row = 0; row < size; row++) {
    const stratum = strata[row] as number;
    while (members.length <= stratum) members.push([]);
    members[stratum]?.push(row);
  }
  return members;
}

/** Raises `counts` by at most one each until they add up to `wanted`, the largest remainders first. */
function shareOutRest(
  counts: number[],
  members: readonly number[][],
  share: number,
  wanted: number,
  room: number[],
): void {
  let missing = wanted - counts.reduce((sum, count) => sum + count, 0);
  const remainder = members.map((rows, stratum) => rows.length * share - (counts[stratum] ?? 0));
  const order = members
    .map((_, stratum) => stratum)
    .filter((stratum) => (remainder[stratum] ?? 0) > 0)
    .sort((a, b) => (remainder[b] ?? 0) - (remainder[a] ?? 0) || (room[b] ?? 0) - (room[a] ?? 0) || a - b);
  for (const stratum of order) {
    if (missing <= 0) return;
    if ((room[stratum] ?? 0) <= 0) continue;
    counts[stratum] = (counts[stratum] ?? 0) + 1;
    room[stratum] = (room[stratum] ?? 0) - 1;
    missing -= 1;
  }
}

function rowsOf(target: Uint8Array, split: number): Uint32Array<SharedArrayBuffer> {
  let count = 0;
  for (let row = 0; row < target.length; row++) if (target[row] === split) count += 1;
  const rows = new Uint32Array(new SharedArrayBuffer(count * Uint32Array.BYTES_PER_ELEMENT));
  let next = 0;
  for (let row = 0; row < target.length; row++) if (target[row] === split) rows[next++] = row;
  return rows;
}
