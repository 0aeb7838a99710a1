import { parseDocument } from 'yaml';
import { LockstepError } from '../common/errors.js';
import { describeFound } from './expected.js';
import { formatPath, isMapping, parsePath, type Path } from './path.js';
import { ratioShares } from './schema/ratios.js';

/** One `--set KEY=VALUE`. */
export interface Override {
  /** As it was given. */
  readonly text: string;
  readonly path: Path;
  readonly value: unknown;
}

/** Reads `training.epochs=3`. The value is YAML. @throws LockstepError `usage` when it is not of this form. */
export function parseOverride(text: string): Override {
  const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const path = parsePath(key.trim());
  if (path === null) {
    throw new LockstepError('usage', `--set ${text}: expected KEY=VALUE`, {
      hint: 'For example: --set training.epochs=3',
    });
  }
  const document = parseDocument(value, { prettyErrors: false });
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) {
    throw new LockstepError(
      'usage',
      `--set ${text}: the value is not valid YAML: ${error.message.replaceAll(/\s+/g, ' ')}`,
    );
  }
  return { text, path, value: document.toJS() };
}

/** A path that leads through a value that holds no others, or past the end of a list. */
export class NoSuchPlace extends Error {
  override readonly name = 'NoSuchPlace';

  /** @param at how far the path could be followed, and the part that is not there */
  constructor(
    readonly at: Path,
    found: string,
  ) {
    super(`there is no such place; found ${found}`);
  }
}

/**
 * A copy of the job as written with one value replaced. Mappings on the way are created where they are missing, and a short
 * form such as `optimizer: adam` becomes the mapping it stands for.
 *
 * @throws NoSuchPlace
 */
export function replaceAt(root: unknown, path: Path, replacement: unknown): unknown {
  const replace = (value: unknown, depth: number): unknown => {
    const part = path[depth];
    if (part === undefined) return replacement;
    const refuse = (found: string) => new NoSuchPlace(path.slice(0, depth + 1), found);
    if (Array.isArray(value)) {
      const items: readonly unknown[] = value;
      if (typeof part !== 'number' || part >= items.length)
        throw refuse(`a list with indices 0 to ${items.length - 1}`);
      return items.map((item, index) => (index === part ? replace(item, depth + 1) : item));
    }
    if (value !== undefined && value !== null && typeof value !== 'string' && !isMapping(value))
      throw refuse(describeFound(value));
    const mapping = typeof value === 'string' ? fullForm(value) : isMapping(value) ? value : {};
    const key = String(part);
    const inner = Object.hasOwn(mapping, key) ? mapping[key] : undefined;
    // Entries, not assignment: a key called __proto__ is a key like any other.
    return Object.fromEntries([
      ...Object.entries(mapping).filter(([name]) => name !== key),
      [key, replace(inner, depth + 1)],
    ]);
  };
  return replace(root, 0);
}

/** What a short form stands for: ratios for the shares of the splits, any other text for a type. */
function fullForm(short: string): Readonly<Record<string, unknown>> {
  const shares = ratioShares(short);
  return shares === null ? { type: short } : { ...shares };
}

/** {@link replaceAt} for `--set`. @throws LockstepError `job` where there is no such place */
export function applyOverride(root: unknown, { text, path, value }: Override): unknown {
  try {
    return replaceAt(root, path, value);
  } catch (thrown) {
    if (!(thrown instanceof NoSuchPlace)) throw thrown;
    throw new LockstepError('job', `--set ${text}: ${formatPath(thrown.at)}: ${thrown.message}`);
  }
}
