import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { loadData, type LoadedData } from '../../../src/data/load.js';
import type { DataSource, DataSpec } from '../../../src/job/job.js';
import { csvSource, dataError, dataSpec, labelsOf, rowsOf, temporaryFolder } from '../helpers.js';

const folder = temporaryFolder();
const options = { baseDir: folder.path, seed: 1 };

/** Loads a CSV file with these lines and label column `y`. */
function load(
  lines: string | readonly string[],
  source: Partial<DataSource> = {},
  spec: Partial<DataSpec> = {},
): Promise<LoadedData> {
  const text = typeof lines === 'string' ? lines : lines.join('\n');
  return loadData(dataSpec(csvSource(folder.write('train.csv', text), 'y', source), spec), options);
}

describe('CSV', () => {
  it('reads numbers as they are, and text one-hot with its values in order', async () => {
    const data = await load(['size,color,y', '1.5,red,b', '-2e1,blue,a', '.5,red,b']);
    expect(data.featureNames).toEqual(['size', 'color=blue', 'color=red']);
    expect(data.featureShape).toEqual([3]);
    expect(data.splits.train.dtype).toBe('float32');
    expect(rowsOf(data.splits.train)).toEqual([
      [1.5, 0, 1],
      [-20, 1, 0],
      [0.5, 0, 1],
    ]);
    expect([data.labelName, data.classes]).toEqual(['y', ['a', 'b']]);
    expect(labelsOf(data.splits.train)).toEqual([1, 0, 1]);
  });

  it('encodes numbers one-hot where asked for, in numeric order, and leaves out what is ignored', async () => {
    const source = { categorical: ['month'], ignore: ['id'] };
    const data = await load(['id,month,y', 'x,10,0', ',9,0', 'z,10,1'], source);
    expect(data.featureNames).toEqual(['month=9', 'month=10']);
    expect(rowsOf(data.splits.train)).toEqual([
      [0, 1],
      [1, 0],
      [0, 1],
    ]);
  });

  it('orders classes that are numbers by number, and takes 1 and 1.0 for the same', async () => {
    const data = await load(['x,y', '0,10', '0,9', '0,1.0', '0,1']);
    expect(data.classes).toEqual(['1', '9', '10']);
    expect(labelsOf(data.splits.train)).toEqual([2, 1, 0, 0]);
  });

  it('keeps the full precision of numbers to be approximated', async () => {
    const data = await load(['x,y', '1,0.1', '2,-1e-7'], {}, { task: 'regression' });
    expect(labelsOf(data.splits.train)).toEqual([0.1, -1e-7]);
    expect(data.classes).toBeNull();
  });

  it('understands quotes, byte order mark, CRLF, blank lines, spaces, other delimiters and gzip', async () => {
    const text = '\ufeff"a b";name;y\r\n 1 ; "x;\n""y""" ;0\r\n\r\n2;z;1\r\n';
    const file = folder.write('odd.csv', gzipSync(text));
    const data = await loadData(dataSpec(csvSource(file, 'y', { delimiter: ';' })), options);
    expect(data.featureNames).toEqual(['a b', 'name=x;\n"y"', 'name=z']);
    expect(rowsOf(data.splits.train)).toEqual([
      [1, 1, 0],
      [2, 0, 1],
    ]);
  });

  it('reads more rows than fit one block', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `${i},${i % 2},c${i % 3}`);
    const { splits } = await load(['a,y,b', ...lines]);
    const rows = rowsOf(splits.train);
    expect(rows.map((row) => row[0])).toEqual(lines.map((_, i) => i));
    expect(rows[2999]).toEqual([2999, 0, 0, 1]);
    expect(labelsOf(splits.train)).toEqual(lines.map((_, i) => i % 2));
  });

  it.each<[string, string[], Partial<DataSource>, string[]]>([
    ['a short row', ['a,b,y', '1,2,0', '1,0'], {}, ['line 3: expected 3 columns, found 2']],
    [
      'a long row, after a cell of two lines',
      ['a,b,y', '1,"x\ny",0', '1,z,0,5'],
      {},
      ['line 4: expected 3 columns, found 4'],
    ],
    [
      'text in a numeric column',
      ['age,y', '35,0', 'abc,1'],
      {},
      ["line 3, column 'age'", "'abc'", 'numeric from line 2 on'],
    ],
    [
      'a number in a text column',
      ['age,y', 'n/a,0', '35,1'],
      {},
      ["line 3, column 'age'", 'number 35', 'text from line 2 on', 'categorical'],
    ],
    ['a missing cell', ['age,b,y', '35,1,0', ',1,0'], {}, ["line 3, column 'age'", 'empty']],
    ['a missing label', ['age,y', '35,0', '36,'], {}, ["line 3, column 'y'", 'empty']],
    ['NaN', ['age,y', 'NaN,0'], {}, ["line 2, column 'age'", "'NaN'", 'not a finite number']],
    [
      'a number beyond float32',
      ['age,y', '1,0', '1e39,0'],
      {},
      ["line 3, column 'age'", "'1e39'", 'not a finite number'],
    ],
    ['hexadecimal', ['age,y', '1,0', '0x10,0'], {}, ["'0x10'"]],
    ['an unknown ignored column', ['a,y', '1,0'], { ignore: ['b'] }, ["ignored column 'b'", 'a, y']],
    ['an unknown categorical column', ['a,y', '1,0'], { categorical: ['b'] }, ["categorical column 'b'"]],
    ['a label that is ignored', ['a,y', '1,0'], { ignore: ['y'] }, ["label column 'y'", 'also listed under ignore']],
    ['the same name twice', ['a,a,y', '1,2,0'], {}, ['two columns', "'a'"]],
    ['a column without a name', ['a,,y', '1,2,0'], {}, ['column 2', 'has no name']],
    ['no features', ['y', '0'], {}, ['no feature column']],
    ['no rows', ['a,y'], {}, ['no rows below its header']],
    ['an empty file', [''], {}, ['is empty']],
    ['the wrong delimiter', ['a;y', '1;0'], {}, ["label column 'y'", 'set delimiter to ";"']],
    ['an open quote', ['a,y', '"1,0', '2,0'], {}, ['not well-formed CSV']],
  ])('names the fault: %s', async (_, lines, source, parts) => {
    const message = await dataError(() => load(lines, source));
    for (const part of [folder.path, 'train.csv', ...parts]) expect(message).toContain(part);
  });

  it('suggests the label column that was meant', async () => {
    const file = folder.write('iris.csv', 'sepal,species\n1,a\n');
    const message = await dataError(() => loadData(dataSpec(csvSource(file, 'specie')), options));
    expect(message).toContain("label column 'specie' is not in the header of");
    expect(message).toContain('sepal, species');
    expect(message).toContain("Did you mean 'species'?");
  });

  it('refuses a text to be approximated', async () => {
    const message = await dataError(() => load(['x,y', '1,2', '1,high'], {}, { task: 'regression' }));
    expect(message).toContain("line 3, column 'y'");
    expect(message).toContain("'high'");
  });
});

describe('CSV in several files', () => {
  const train = ['a,color,y', '1,red,cat', '2,blue,dog'];
  const withTest = (lines: readonly string[], source: Partial<DataSource> = {}): Promise<LoadedData> =>
    load(train, {}, { test: csvSource(folder.write('test.csv', lines.join('\n')), 'y', source) });

  it('encodes the others as the training file, by the names of the columns', async () => {
    const { splits } = await withTest(['color,y,a', 'blue,cat,7']);
    expect(splits.test && rowsOf(splits.test)).toEqual([[7, 1, 0]]);
    expect(labelsOf(splits.test)).toEqual([0]);
  });

  it('takes the kind of a column from the training file', async () => {
    const { splits } = await load(
      ['m,y', '1,0', '2,1'],
      { categorical: ['m'] },
      {
        test: csvSource(folder.write('test.csv', 'm,y\n2,0\n'), 'y'),
      },
    );
    expect(splits.test && rowsOf(splits.test)).toEqual([[0, 1]]);
  });

  it.each<[string, string[], string[]]>([
    [
      'an unseen category',
      ['a,color,y', '1,red,cat', '1,green,cat'],
      ["line 3, column 'color'", "category 'green'", 'blue, red'],
    ],
    ['an unseen class', ['a,color,y', '1,red,cow'], ["line 2, column 'y'", "class 'cow'", 'cat, dog']],
    ['a missing column', ['a,y', '1,cat'], ["lacks column 'color'", 'train.csv']],
    ['a column too many', ['a,color,size,y', '1,red,2,cat'], ["column 'size'", 'data.test', 'ignore']],
    ['text in a numeric column', ['a,color,y', 'x,red,cat'], ["line 2, column 'a'", "'x'", 'the column is numeric']],
  ])('names the fault: %s', async (_, lines, parts) => {
    const message = await dataError(() => withTest(lines));
    for (const part of ['test.csv', ...parts]) expect(message).toContain(part);
  });

  it('learns categories from the training rows alone, so a held-out row with another one is an error', async () => {
    const lines = ['color,y', ...Array.from({ length: 40 }, (_, i) => `c${i},${i % 2}`)];
    const message = await dataError(() => load(lines, {}, { split: { dev: 0.25, test: 0 } }));
    expect(message).toMatch(/line \d+, column 'color': category 'c\d+' does not occur in the training rows/);
  });
});
