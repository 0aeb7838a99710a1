import type { z } from 'zod';
import { describeExpected, describeFound, mappingFor, namedValues, schemaAt } from './expected.js';
import { formatPath, valueAt, type Path } from './path.js';
import type { JsonSchema } from './schema/forms.js';
import { suggest } from '../common/suggest.js';

/** Something that is wrong with a job or a search, before it is known where in which file it stands. */
export interface Problem {
  readonly path: Path;
  readonly message: string;
  /** Other fields that take part in a conflict: whichever of them was set last is to blame. */
  readonly related?: readonly Path[];
  /** The key itself is wrong, not its value. */
  readonly atKey?: boolean;
}

/** `; did you mean learningRate?`, or nothing. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const candidate = suggest(word, candidates);
  return candidate === undefined ? '' : `; did you mean ${candidate}?`;
}

/** What zod found wrong, in the words of the file. `root` is the file as written, `schema` what it should be. */
export function problemsOf(error: z.ZodError, root: unknown, schema: JsonSchema): readonly Problem[] {
  const problems = new Map<string, Problem>();
  for (const issue of error.issues) {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    const found =
      issue.code === 'unrecognized_keys'
        ? unknownKeys(schema, root, path, issue.keys)
        : [wrongValue(schema, root, path)];
    // Several rules of one field may object to one value; the expectation names all of them at once.
    for (const problem of found) problems.set(formatPath(problem.path), problem);
  }
  return [...problems.values()];
}

function unknownKeys(whole: JsonSchema, root: unknown, path: Path, keys: readonly string[]): readonly Problem[] {
  const schema = schemaAt(whole, root, path);
  const mapping = schema === undefined ? undefined : mappingFor(schema, valueAt(root, path));
  const known = Object.keys(mapping?.properties ?? {});
  return keys.map((key) => ({
    path: [...path, key],
    message: `unknown key${didYouMean(key, known) || `; expected one of ${known.join(', ')}`}`,
    atKey: true,
  }));
}

function wrongValue(whole: JsonSchema, root: unknown, path: Path): Problem {
  const parent = valueAt(root, path.slice(0, -1));
  const value = valueAt(root, path);
  const schema = schemaAt(whole, root, path);
  // The discriminator of a short form is the short form.
  if (typeof parent === 'string' && value === undefined && schema?.enum?.includes(parent) === false) {
    return { path: path.slice(0, -1), message: mismatch(schema, parent) };
  }
  if (value === undefined)
    return { path, message: `missing${schema === undefined ? '' : `; expected ${describeExpected(schema)}`}` };
  return { path, message: mismatch(schema, value) };
}

function mismatch(schema: JsonSchema | undefined, value: unknown): string {
  const expected = schema === undefined ? 'something else' : describeExpected(schema);
  const names = schema === undefined ? [] : namedValues(schema);
  return `expected ${expected}, found ${describeFound(value)}${typeof value === 'string' ? didYouMean(value, names) : ''}`;
}
