const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/**
 * A curve one line high, `width` characters at most: values are averaged into as many groups as there is room for, and the
 * levels run from the smallest to the largest group. On a logarithmic scale where all values are positive, since losses fall
 * fast and then slowly. Values that are not finite are shown as `×`.
 */
export function sparkline(values: readonly number[], width: number): string {
  const groups = averageInto(values, Math.max(1, width));
  const logarithmic = groups.every((value) => !Number.isFinite(value) || value > 0);
  const heights = logarithmic ? groups.map((value) => Math.log(value)) : groups;
  const finite = heights.filter((height) => Number.isFinite(height));
  const low = Math.min(...finite);
  const range = Math.max(...finite) - low;
  return heights.map((height) => levelOf(height, low, range)).join('');
}

function levelOf(height: number, low: number, range: number): string {
  if (!Number.isFinite(height)) return '×';
  const share = range > 0 ? (height - low) / range : 0;
  return LEVELS[Math.round(share * (LEVELS.length - 1))] ?? LEVELS[0];
}

/** Consecutive groups as equal in size as can be, each its mean. */
function averageInto(values: readonly number[], count: number): number[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, i) => {
    const start = Math.floor((i * values.length) / count);
    const end = Math.floor(((i + 1) * values.length) / count);
    return values.slice(start, end).reduce((sum, value) => sum + value, 0) / (end - start);
  });
}
