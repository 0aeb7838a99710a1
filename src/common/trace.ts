/**
 * What happened when, as a dependency: whoever does the work says so through a {@link Tracer}, and knows nothing of files or
 * of other processes. Never an input of a result.
 */

/**
 * Numbers that belong to a span: `step` (from 1, as in metrics.jsonl), `bucket`, `bytes` … Two names have a meaning of their own:
 * `flowOut` and `flowIn` with equal values draw an arrow from the end of one span to the start of another, also between
 * processes, see {@link gradientFlow}.
 */
export type TraceArgs = Readonly<Record<string, number>>;

/**
 * Takes spans of time. Times are `performance.now()` of the process's main thread (ms). A track is a line of its own in the
 * picture: two spans of one track must lie beside each other, or one within the other. Names come from a small set: what
 * varies belongs into the arguments.
 */
export interface Tracer {
  /** Whether spans are kept at the moment; what is costly to find out may be left out when they are not. */
  readonly enabled: boolean;
  span(track: string, name: string, startMs: number, endMs: number, args?: TraceArgs): void;
  /** Something without duration. */
  instant(track: string, name: string, atMs: number, args?: TraceArgs): void;
}

/** A tracer that is told which step is under way: it may be asked to keep the spans of some steps only. */
export interface StepTracer extends Tracer {
  /** @param step From 0. */
  begin(step: number): void;
}

/** For those whom nobody watches. */
export const NO_TRACER: StepTracer = {
  enabled: false,
  begin: () => undefined,
  span: () => undefined,
  instant: () => undefined,
};

/** A span, or an instant where `endMs` is null. */
export interface TraceRecord {
  readonly track: string;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number | null;
  readonly args: TraceArgs;
}

/** Steps [firstStep, endStep), counted from 0. */
export interface TraceRange {
  readonly firstStep: number;
  readonly endStep: number;
}

/** The arguments of everything that belongs to an attempt at a step. */
export function stepArgs(
  { step, attempt }: { readonly step: number; readonly attempt: number },
  more: TraceArgs = {},
): TraceArgs {
  return attempt === 1 ? { step: step + 1, ...more } : { step: step + 1, attempt, ...more };
}

/**
 * The arrow of one bucket of one partial sum from the worker that formed it to whoever adds it: a number that both know. Unique
 * for up to 2^24 steps, 8 attempts, 2048 shards and 4096 buckets.
 */
export function gradientFlow(
  { step, attempt }: { readonly step: number; readonly attempt: number },
  node: { readonly level: number; readonly index: number },
  bucket: number,
): number {
  // The places of a tree in one sequence, level by level: 2048 leaves, 1024 nodes above them, and so on.
  const place = 4096 - 2 ** (12 - node.level) + node.index;
  return (((step % 2 ** 24) * 8 + (attempt % 8)) * 4096 + (place % 4096)) * 4096 + (bucket % 4096);
}
