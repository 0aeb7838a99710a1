/** Numbers for human eyes: as many digits as say something, in widths that do not jump. */

/** 1,320,000 */
export function formatCount(value: number): string {
  return Math.round(value)
    .toString()
    .replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** Four decimals where they carry something; a mantissa and an exponent outside 0.001 … 100,000. */
export function formatLoss(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'infinite' : '-infinite';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 0.001 || size >= 100_000) return value.toExponential(2).replace('e+', 'e');
  return value.toFixed(size >= 100 ? 1 : 4);
}

/**
 * 98.12%, from a share of 0 … 1. Never rounded up to 100.00%, nor down to 0.00%: those say that not one sample was otherwise.
 */
export function formatShare(share: number): string {
  if (!Number.isFinite(share)) return 'NaN';
  if (share > 0.9999 && share < 1) return '99.99%';
  if (share > 0 && share < 0.0001) return '0.01%';
  return `${(share * 100).toFixed(2)}%`;
}

/** 840 ms, 4.2 s, 48 s, 1 m 02 s, 1 h 02 m, 2 d 03 h */
export function formatDuration(durationMs: number): string {
  if (durationMs < 999.5) return `${Math.max(0, Math.round(durationMs))} ms`;
  if (durationMs < 9_950) return `${(durationMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${pad(seconds % 60)} s`;
  const minutes = Math.round(durationMs / 60_000);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`;
  const hours = Math.round(durationMs / 3_600_000);
  return `${Math.floor(hours / 24)} d ${pad(hours % 24)} h`;
}

/** Samples per second with three significant digits or all of the integer: 0.52, 8.31, 42.7, 12,345 */
export function formatRate(perSecond: number): string {
  if (!Number.isFinite(perSecond) || perSecond <= 0) return '0';
  if (perSecond >= 100) return formatCount(perSecond);
  return perSecond.toFixed(perSecond >= 10 ? 1 : 2);
}

/** 1 worker, 2 workers */
export function formatPlural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function pad(value: number): string {
  return value.toString().padStart(2, '0');
}
