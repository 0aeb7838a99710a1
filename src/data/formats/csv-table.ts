/**
 * A CSV file as a table of numbers: the values of numeric columns, and codes for the distinct texts of the others. Rows
 * are taken over one at a time, so that the texts of a large file never are in memory all at once.
 */
import { CsvError, parse } from 'csv-parse/sync';
import { LockstepError } from '../../common/errors.js';
import type { DataFile } from '../files.js';
import { parseNumber } from './categories.js';
import { readHeader, type CsvHeader, type CsvSource } from './csv-header.js';
import { MAX_CATEGORIES, type Task } from './format.js';

export type ColumnKind = 'number' | 'category';

const ROWS_PER_CHUNK = 1024;
const NOT_FINITE = /^[+-]?(?:nan|inf(?:inity)?)$/i;

/** One column while the file is read, and after. */
export class CsvColumn {
  readonly name: string;
  /** Null until the first row has decided. */
  kind: ColumnKind | null;
  /** Distinct texts of a categorical column, by code. */
  readonly texts: string[] = [];
  readonly #codes = new Map<string, number>();
  readonly #path: string;
  /** Whether the job, or the training file, says what kind it is. */
  readonly #declared: boolean;
  #firstLine = 0;

  constructor(name: string, kind: ColumnKind | null, path: string) {
    this.name = name;
    this.kind = kind;
    this.#declared = kind !== null;
    this.#path = path;
  }

  /** The number that stands for a cell: its value, or the code of its text. */
  read(text: string, line: number): number {
    if (text === '') {
      throw this.#error(line, 'is empty', 'Fill it in, leave out the row, or list the column under ignore.');
    }
    this.kind ??= this.#decide(text, line);
    return this.kind === 'number' ? this.#number(text, line) : this.#code(text, line);
  }

  #decide(text: string, line: number): ColumnKind {
    this.#firstLine = line;
    if (NOT_FINITE.test(text)) throw this.#notFinite(text, line);
    return Number.isNaN(parseNumber(text)) ? 'category' : 'number';
  }

  #number(text: string, line: number): number {
    const value = parseNumber(text);
    if (Number.isFinite(Math.fround(value))) return value;
    if (NOT_FINITE.test(text) || !Number.isNaN(value)) throw this.#notFinite(text, line);
    const why = this.#declared ? 'the column is numeric' : `the column is numeric from line ${this.#firstLine} on`;
    throw this.#error(line, `holds '${text}', but ${why}`, this.#kindHint());
  }

  #code(text: string, line: number): number {
    const known = this.#codes.get(text);
    if (known !== undefined) return known;
    if (!this.#declared && !Number.isNaN(parseNumber(text))) {
      const first = `the column holds text from line ${this.#firstLine} on ('${this.texts[0]}')`;
      throw this.#error(line, `holds the number ${text}, but ${first}`, this.#kindHint());
    }
    const code = this.texts.length;
    if (code === MAX_CATEGORIES) {
      throw this.#error(
        line,
        `is the ${MAX_CATEGORIES + 1}th distinct value`,
        'A column like this is no feature and no class: list it under ignore.',
      );
    }
    this.texts.push(text);
    this.#codes.set(text, code);
    return code;
  }

  #notFinite(text: string, line: number): LockstepError {
    return this.#error(
      line,
      `holds '${text}', not a finite number (of float32)`,
      'Replace the value, leave out the row, or list the column under ignore.',
    );
  }

  #kindHint(): string {
    return `Correct the cell, or list '${this.name}' under categorical in data.train to one-hot encode its values.`;
  }

  #error(line: number, problem: string, hint: string): LockstepError {
    return new LockstepError('data', `${this.#path}, line ${line}, column '${this.name}': the cell ${problem}`, {
      hint,
    });
  }
}

/** See the head of this file. */
export class CsvTable {
  readonly path: string;
  readonly features: readonly CsvColumn[];
  readonly label: CsvColumn;
  /** Per row: the number, or the code of the class. */
  readonly labels: readonly number[];
  readonly #chunks: readonly Float32Array[];
  readonly #lines: readonly number[];

  constructor(path: string, reader: RowReader) {
    this.path = path;
    this.features = reader.features;
    this.label = reader.label;
    this.labels = reader.labels;
    this.#chunks = reader.chunks;
    this.#lines = reader.lines;
  }

  get size(): number {
    return this.labels.length;
  }

  /** The value or code in a row (from 0) and feature column (from 0, in the order of `features`). */
  cell(row: number, column: number): number {
    const chunk = this.#chunks[Math.floor(row / ROWS_PER_CHUNK)] as Float32Array;
    return chunk[(row % ROWS_PER_CHUNK) * this.features.length + column] as number;
  }

  /** Line of the file that a row ends in, from 1. */
  line(row: number): number {
    return this.#lines[row] ?? 0;
  }
}

class RowReader {
  readonly features: readonly CsvColumn[];
  readonly label: CsvColumn;
  readonly labels: number[] = [];
  readonly chunks: Float32Array[] = [];
  readonly lines: number[] = [];
  readonly #header: CsvHeader;
  readonly #path: string;

  constructor(path: string, header: CsvHeader, task: Task, kindOf: (name: string) => ColumnKind | null) {
    const column = (index: number, kind?: ColumnKind): CsvColumn => {
      const name = header.names[index] ?? '';
      return new CsvColumn(name, kind ?? kindOf(name), path);
    };
    this.features = header.features.map((index) => column(index));
    this.label = column(header.label, task === 'classification' ? 'category' : 'number');
    this.#header = header;
    this.#path = path;
  }

  take(cells: readonly string[], line: number): void {
    const { names, features, label } = this.#header;
    if (cells.length !== names.length) {
      throw new LockstepError(
        'data',
        `${this.#path}, line ${line}: expected ${names.length} columns, found ${cells.length}`,
        {
          hint: 'Correct the line; a cell with the delimiter in it needs double quotes.',
        },
      );
    }
    const row = this.labels.length;
    if (row % ROWS_PER_CHUNK === 0) this.chunks.push(new Float32Array(ROWS_PER_CHUNK * features.length));
    const chunk = this.chunks.at(-1) as Float32Array;
    const start = (row % ROWS_PER_CHUNK) * features.length;
    for (let i = 0; i < features.length; i++) {
      chunk[start + i] = (this.features[i] as CsvColumn).read(cells[features[i] as number] ?? '', line);
    }
    this.labels.push(this.label.read(cells[label] ?? '', line));
    this.lines.push(line);
  }
}

/**
 * @param kindOf - what kind a feature column is known to be; null: its first row decides.
 * @throws LockstepError `data` for anything that does not fit, by file, line and column.
 */
export function readCsvTable(
  file: DataFile,
  source: CsvSource,
  task: Task,
  kindOf: (name: string) => ColumnKind | null,
): CsvTable {
  let rows: RowReader | null = null;
  const takeRecord = (cells: string[], line: number): void => {
    if (rows === null) rows = new RowReader(file.path, readHeader(file.path, cells, source), task, kindOf);
    else rows.take(cells, line);
  };
  try {
    parse(file.bytes, {
      bom: true,
      delimiter: source.delimiter,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      on_record: (cells: string[], { lines }) => {
        takeRecord(cells, lines);
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new LockstepError('data', `${file.path} is not well-formed CSV: ${error.message}`, {
      hint: 'Correct the line; quotes inside a quoted cell are doubled.',
      cause: error,
    });
  }
  return finishedTable(file.path, rows);
}

function finishedTable(path: string, rows: RowReader | null): CsvTable {
  if (rows === null) {
    throw new LockstepError('data', `${path} is empty`, { hint: 'Its first line must name the columns.' });
  }
  if (rows.labels.length === 0) {
    throw new LockstepError('data', `${path} has no rows below its header`, { hint: 'Name a file with samples.' });
  }
  return new CsvTable(path, rows);
}
