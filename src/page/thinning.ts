/** A value over something, such as a loss over steps. A y of null, or one that is no finite number, is a gap. */
export interface Point {
  readonly x: number;
  readonly y: number | null;
}

/** Whether there is something to draw. */
export function isDrawn(point: Point): point is { readonly x: number; readonly y: number } {
  return point.y !== null && Number.isFinite(point.y);
}

/**
 * At most `limit` of the points, in their order: the first, the last, and of each of equally many consecutive points
 * between them the lowest, the highest and one gap if there is any. So no spike is lost, however long a run is.
 *
 * @param points in the order of x
 * @param limit at least 5
 */
export function thinned<Kind extends Point>(points: readonly Kind[], limit: number): readonly Kind[] {
  if (points.length <= limit) return points;
  const perBucket = points.every(isDrawn) ? 2 : 3;
  const buckets = Math.floor((limit - 2) / perBucket);
  const inner = points.length - 2;
  const kept = [0];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = 1 + Math.floor((bucket * inner) / buckets);
    const end = 1 + Math.floor(((bucket + 1) * inner) / buckets);
    kept.push(...extremes(points, from, end));
  }
  kept.push(points.length - 1);
  return kept.flatMap((index) => points[index] ?? []);
}

/** Indices, ascending, of the lowest and the highest point of from … end − 1, and of the first gap. */
function extremes(points: readonly Point[], from: number, end: number): readonly number[] {
  let lowest = -1;
  let highest = -1;
  let gap = -1;
  let [low, high] = [Infinity, -Infinity];
  for (let i = from; i < end; i++) {
    const point = points[i];
    if (point === undefined || !isDrawn(point)) {
      if (gap < 0) gap = i;
      continue;
    }
    if (point.y < low) [lowest, low] = [i, point.y];
    if (point.y > high) [highest, high] = [i, point.y];
  }
  return [...new Set([lowest, highest, gap])].filter((index) => index >= 0).sort((a, b) => a - b);
}
