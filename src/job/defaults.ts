import { formatPath, isMapping, type Path } from './path.js';

/** A value that was not in the job file. */
export interface FilledDefault {
  /** As in `training.optimizer.beta1`. */
  readonly path: string;
  readonly value: unknown;
}

/** Every leaf of `resolved` that `written` (short forms allowed) does not have, in the order of `resolved`. */
export function filledDefaults(resolved: unknown, written: unknown, path: Path = []): readonly FilledDefault[] {
  if (isMapping(resolved)) {
    // A short form is the bare type, or stands for all of a mapping that has none.
    if (typeof written === 'string' && !Object.hasOwn(resolved, 'type')) return [];
    const given = typeof written === 'string' ? { type: written } : isMapping(written) ? written : {};
    return Object.entries(resolved).flatMap(([key, value]) =>
      filledDefaults(value, Object.hasOwn(given, key) ? given[key] : undefined, [...path, key]),
    );
  }
  if (written === undefined) return [{ path: formatPath(path), value: resolved }];
  if (!Array.isArray(resolved) || !Array.isArray(written)) return [];
  const given: readonly unknown[] = written;
  return resolved.flatMap((value, index) => filledDefaults(value, given[index], [...path, index]));
}
