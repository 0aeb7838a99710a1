/** Samples in a CSV file with a header: numeric columns as they are, categorical ones one-hot encoded, all float32. */
import { LockstepError } from '../../common/errors.js';
import type { Shape } from '../../common/shape.js';
import type { SplitName } from '../../job/job.js';
import { DenseDataset } from '../dense.js';
import type { DataFiles } from '../files.js';
import { didYouMean } from '../../common/suggest.js';
import { Categories } from './categories.js';
import type { CsvSource } from './csv-header.js';
import { readCsvTable, type CsvColumn, type CsvTable } from './csv-table.js';
import type { Encoder, Format, Task, TrainingSource } from './format.js';

/** A one-hot encoding that would take more than this is taken for a mistake in the choice of the columns. */
const MAX_FEATURE_BYTES = 2 ** 31;

export const csv: Format<CsvSource> = {
  async open(source, task, files) {
    const categorical = new Set(source.categorical);
    const file = await files.read(source.path);
    return new CsvTrainingSource(
      readCsvTable(file, source, task, (name) => (categorical.has(name) ? 'category' : null)),
      task,
    );
  },
};

class CsvTrainingSource implements TrainingSource<CsvSource> {
  readonly size: number;
  readonly strata: Uint32Array | null;
  readonly #table: CsvTable;
  readonly #task: Task;

  constructor(table: CsvTable, task: Task) {
    this.size = table.size;
    this.#table = table;
    this.#task = task;
    if (task === 'classification') {
      const classes = new Categories(table.label.texts);
      const classOfCode = table.label.texts.map((text) => classes.indexOf(text));
      this.strata = Uint32Array.from(table.labels, (code) => classOfCode[code] ?? 0);
    } else {
      this.strata = null;
    }
  }

  fit(trainRows: Uint32Array | null): Encoder<CsvSource> {
    return new CsvEncoder(
      this.#table,
      this.#task,
      trainRows ?? Uint32Array.from({ length: this.size }, (_, row) => row),
    );
  }
}

/** A feature column and where its values go. */
interface FittedColumn {
  readonly name: string;
  /** Index of its first feature. */
  readonly first: number;
  /** Null for a numeric column. */
  readonly categories: Categories | null;
}

class CsvEncoder implements Encoder<CsvSource> {
  readonly featureShape: Shape;
  readonly classes: readonly string[] | null;
  readonly labelName: string;
  readonly featureNames: readonly string[];
  readonly #training: CsvTable;
  readonly #task: Task;
  readonly #columns: readonly FittedColumn[];
  readonly #classes: Categories | null;

  constructor(training: CsvTable, task: Task, trainRows: Uint32Array) {
    const columns: FittedColumn[] = [];
    const featureNames: string[] = [];
    training.features.forEach((column, index) => {
      const codes = column.kind === 'category' ? Array.from(trainRows, (row) => training.cell(row, index)) : null;
      const categories = codes && new Categories(textsOf(column, codes));
      columns.push({ name: column.name, first: featureNames.length, categories });
      if (categories === null) featureNames.push(column.name);
      else for (const category of categories.names) featureNames.push(`${column.name}=${category}`);
    });
    const labelCodes = Array.from(trainRows, (row) => training.labels[row] ?? 0);
    this.#classes = task === 'classification' ? new Categories(textsOf(training.label, labelCodes)) : null;
    this.#training = training;
    this.#task = task;
    this.#columns = columns;
    this.featureShape = [featureNames.length];
    this.featureNames = featureNames;
    this.classes = this.#classes?.names ?? null;
    this.labelName = training.label.name;
  }

  encode(): DenseDataset {
    return this.#encode(this.#training);
  }

  async encodeOther(source: CsvSource, split: SplitName, files: DataFiles): Promise<DenseDataset> {
    const kinds = new Map(this.#training.features.map((column) => [column.name, column.kind]));
    const file = await files.read(source.path);
    return this.#encode(
      readCsvTable(file, source, this.#task, (name) => kinds.get(name) ?? null),
      split,
    );
  }

  #encode(table: CsvTable, split?: SplitName): DenseDataset {
    const width = this.featureNames.length;
    const bytes = table.size * width * Float32Array.BYTES_PER_ELEMENT;
    if (bytes > MAX_FEATURE_BYTES) throw this.#tooWide(table, bytes);
    const features = new Float32Array(new SharedArrayBuffer(bytes));
    this.#matchColumns(table, split).forEach(({ fitted, column, index }) => {
      if (fitted.categories === null) {
        for (let row = 0; row < table.size; row++) features[row * width + fitted.first] = table.cell(row, index);
        return;
      }
      const positions = positionsOf(column, fitted.categories);
      for (let row = 0; row < table.size; row++) {
        const code = table.cell(row, index);
        const position = positions[code] ?? -1;
        if (position < 0) throw unseen('category', table, row, column, code, fitted.categories);
        features[row * width + fitted.first + position] = 1;
      }
    });
    return new DenseDataset(this.featureShape, features, this.#encodeLabels(table));
  }

  #encodeLabels(table: CsvTable): Float64Array<SharedArrayBuffer> {
    const labels = new Float64Array(new SharedArrayBuffer(table.size * Float64Array.BYTES_PER_ELEMENT));
    if (this.#classes === null) {
      labels.set(table.labels);
      return labels;
    }
    const positions = positionsOf(table.label, this.#classes);
    for (let row = 0; row < table.size; row++) {
      const code = table.labels[row] ?? 0;
      const position = positions[code] ?? -1;
      if (position < 0) throw unseen('class', table, row, table.label, code, this.#classes);
      labels[row] = position;
    }
    return labels;
  }

  /** Pairs the columns of the training source with those of another file, which may have them in another order. */
  #matchColumns(table: CsvTable, split = 'train'): { fitted: FittedColumn; column: CsvColumn; index: number }[] {
    const names = table.features.map((column) => column.name);
    const extra = names.find((name) => !this.#columns.some((column) => column.name === name));
    if (extra !== undefined) {
      const suggestion = didYouMean(
        extra,
        this.#columns.map((column) => column.name),
      );
      throw new LockstepError(
        'data',
        `column '${extra}' of ${table.path} is not a feature of the training file ${this.#training.path}`,
        {
          hint: `List it under ignore in data.${split}, or rename it.${suggestion}`,
        },
      );
    }
    return this.#columns.map((fitted) => {
      const index = names.indexOf(fitted.name);
      const column = table.features[index];
      if (column === undefined) {
        throw new LockstepError(
          'data',
          `${table.path} lacks column '${fitted.name}' of the training file ${this.#training.path}`,
          {
            hint: 'Add the column, or list it under ignore in both sources.',
          },
        );
      }
      return { fitted, column, index };
    });
  }

  #tooWide(table: CsvTable, bytes: number): LockstepError {
    const size = `${(bytes / 2 ** 30).toFixed(1)} GiB`;
    const widest = this.#columns
      .filter((column) => column.categories !== null)
      .sort((a, b) => (b.categories?.names.length ?? 0) - (a.categories?.names.length ?? 0))[0];
    const cause =
      widest === undefined ? '' : `; column '${widest.name}' alone has ${widest.categories?.names.length} categories`;
    return new LockstepError('data', `${table.size} rows of ${table.path} would take ${size} as features${cause}`, {
      hint: 'List columns without information (identifiers, names) under ignore.',
    });
  }
}

function textsOf(column: CsvColumn, codes: readonly number[]): string[] {
  return [...new Set(codes)].map((code) => column.texts[code] ?? '');
}

/** The index in `categories` of each code of a column; −1 for what is not among them. */
function positionsOf(column: CsvColumn, categories: Categories): Int32Array {
  return Int32Array.from(column.texts, (text) => categories.indexOf(text));
}

function unseen(
  what: 'category' | 'class',
  table: CsvTable,
  row: number,
  column: CsvColumn,
  code: number,
  known: Categories,
): LockstepError {
  const value = column.texts[code] ?? '';
  const shown = known.names.slice(0, 10).join(', ') + (known.names.length > 10 ? ', …' : '');
  const place = `${table.path}, line ${table.line(row)}, column '${column.name}'`;
  return new LockstepError('data', `${place}: ${what} '${value}' does not occur in the training rows`, {
    hint: `Known there: ${shown}.${didYouMean(value, known.names)}`,
  });
}
