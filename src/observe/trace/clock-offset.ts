/**
 * How far another process's clock is from this one's, found as NTP does (RFC 5905, section 8): a question and its answer carry
 * four times, and half of what the journey took bounds the error, however unevenly the two ways share it.
 */

/** One question and its answer; each time in ms of the clock of the process where it was read. */
export interface ClockSample {
  /** Question sent, here. */
  readonly sentMs: number;
  /** Question received, there. */
  readonly remoteReceivedMs: number;
  /** Answer sent, there. */
  readonly remoteSentMs: number;
  /** Answer received, here. */
  readonly receivedMs: number;
}

export interface ClockEstimate {
  /** The remote clock minus this one (ms). */
  readonly offsetMs: number;
  /** The true offset lies within ± this. */
  readonly errorMs: number;
  /** When it was taken, by this clock. */
  readonly atMs: number;
}

/**
 * How fast two clocks may part, at most: quartz oscillators stay within 50 ppm (NTP reckons with 15 ppm for a disciplined
 * clock). Older estimates lose to younger ones at this rate.
 */
const DRIFT = 50e-6;

/** offset = ((t1 − t0) + (t2 − t3)) / 2, error ≤ ((t3 − t0) − (t2 − t1)) / 2. */
export function estimateOffset(sample: ClockSample): ClockEstimate {
  const { sentMs, remoteReceivedMs, remoteSentMs, receivedMs } = sample;
  const roundTripMs = receivedMs - sentMs - (remoteSentMs - remoteReceivedMs);
  return {
    offsetMs: (remoteReceivedMs - sentMs + (remoteSentMs - receivedMs)) / 2,
    errorMs: Math.max(0, roundTripMs) / 2,
    atMs: receivedMs,
  };
}

/** The bound on an estimate's error at another time: clocks drift apart. */
export function errorAt({ errorMs, atMs }: ClockEstimate, nowMs: number): number {
  return errorMs + DRIFT * Math.abs(nowMs - atMs);
}

/** The estimate with the least error now; null when there is none. */
export function bestEstimate(estimates: readonly ClockEstimate[], nowMs: number): ClockEstimate | null {
  return estimates.reduce<ClockEstimate | null>(
    (best, estimate) => (best === null || errorAt(estimate, nowMs) <= errorAt(best, nowMs) ? estimate : best),
    null,
  );
}
