/** Where in a job something stands: keys of mappings and indices of lists, from the root. */
export type Path = readonly (string | number)[];

/** `model.layers[0].units`, as messages print it. */
export function formatPath(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** Reads what `formatPath` prints, and `model.layers.0.units` as well. Null where a part is empty. */
export function parsePath(text: string): Path | null {
  const parts = text.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
  if (parts.includes('')) return null;
  return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Whether `path` is `prefix` or stands below it. */
export function startsWith(path: Path, prefix: Path): boolean {
  return prefix.every((part, index) => part === path[index]);
}

/** A mapping as YAML and JSON give it. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path; undefined where there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (Array.isArray(value) && typeof part === 'number') value = (value as unknown[])[part];
    else if (isMapping(value) && Object.hasOwn(value, part)) value = value[part];
    else return undefined;
  }
  return value;
}
