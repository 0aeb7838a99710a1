/** Which columns of a CSV file are features, and which one is the label. */
import { LockstepError } from '../../common/errors.js';
import type { DataSource } from '../../job/job.js';
import { didYouMean } from '../../common/suggest.js';

export type CsvSource = Extract<DataSource, { format: 'csv' }>;

export interface CsvHeader {
  /** Names of all columns, in the order of the file. */
  readonly names: readonly string[];
  /** Index of the label column. */
  readonly label: number;
  /** Indices of the feature columns, ascending. */
  readonly features: readonly number[];
}

/** @throws LockstepError `data` for names that are missing, double or unknown, and when no feature is left. */
export function readHeader(path: string, names: readonly string[], source: CsvSource): CsvHeader {
  names.forEach((name, column) => {
    if (name === '') {
      throw new LockstepError('data', `column ${column + 1} in the header of ${path} has no name`, {
        hint: 'Give it a name in line 1; if it holds no feature, list that name under ignore.',
      });
    }
    if (names.indexOf(name) !== column) {
      throw new LockstepError('data', `two columns in the header of ${path} are called '${name}'`, {
        hint: 'Rename one of them in line 1.',
      });
    }
  });

  const find = (name: string, role: string): number => {
    const column = names.indexOf(name);
    if (column >= 0) return column;
    const wrongDelimiter = names.length === 1 ? otherDelimiter(names[0] ?? '', source.delimiter) : null;
    const hint = wrongDelimiter ?? `The columns are: ${names.join(', ')}.${didYouMean(name, names)}`;
    throw new LockstepError('data', `${role} '${name}' is not in the header of ${path}`, { hint });
  };
  const label = find(source.label, 'label column');
  const ignored = new Set(source.ignore.map((name) => find(name, 'ignored column')));
  if (ignored.has(label)) {
    throw new LockstepError('data', `label column '${source.label}' of ${path} is also listed under ignore`, {
      hint: 'Take it out of the list: a label is never used as a feature.',
    });
  }
  for (const name of source.categorical) find(name, 'categorical column');

  const features = names.map((_, column) => column).filter((column) => column !== label && !ignored.has(column));
  if (features.length === 0) {
    throw new LockstepError('data', `${path} has no feature column besides the label '${source.label}'`, {
      hint: otherDelimiter(names[0] ?? '', source.delimiter) ?? 'Ignore fewer columns, or name another file.',
    });
  }
  return { names, label, features };
}

function otherDelimiter(line: string, delimiter: string): string | null {
  const found = [',', ';', '\t', '|'].find((candidate) => candidate !== delimiter && line.includes(candidate));
  if (found === undefined) return null;
  return `The header is a single column; set delimiter to ${JSON.stringify(found)}, which occurs in it.`;
}
