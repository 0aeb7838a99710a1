/**
 * Time as a dependency, so that timeouts and rates are tested by moving a clock by hand. Never an input of a result: weights
 * are a function of the job alone.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch: for records and logs. May jump. */
  now(): number;
  /** Milliseconds since an arbitrary origin, never going back: for durations and timeouts. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
