import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadData } from '../../src/data/load.js';
import { csvSource, dataError, dataSpec, idxBytes, idxSource, labelsOf, rowsOf, temporaryFolder } from './helpers.js';

const folder = temporaryFolder();
const options = { baseDir: folder.path, seed: 1 };

function writeTable(name: string, rows: number): string {
  return folder.write(name, ['x,y', ...Array.from({ length: rows }, (_, i) => `${i},${i % 3}`)].join('\n'));
}

/** CRC-32 by its definition: the remainder of the reflected polynomial 0xedb88320, bit by bit. */
function crc32(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
  }
  return ~remainder >>> 0;
}

/** What the fingerprint of these files must be. */
function fingerprintOf(...files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const content of files.map((text) => Buffer.from(text))) {
    hash.update(`${content.length}:`);
    for (let start = 0; start < content.length; start += 65_536) {
      const sum = Buffer.alloc(4);
      sum.writeUInt32LE(crc32(content.subarray(start, start + 65_536)));
      hash.update(sum);
    }
  }
  return hash.digest('hex');
}

describe('loadData', () => {
  it('holds out a stratified share for the splits without a source', async () => {
    const spec = dataSpec(csvSource(writeTable('a.csv', 90), 'y'), { split: { dev: 0.2, test: 0.1 } });
    const { splits } = await loadData(spec, options);
    const { train, dev, test } = splits;
    expect([train.size, dev?.size, test?.size]).toEqual([63, 18, 9]);
    for (const [split, each] of [
      [train, 21],
      [dev, 6],
      [test, 3],
    ] as const) {
      const labels = labelsOf(split);
      for (const label of [0, 1, 2]) expect(labels.filter((other) => other === label)).toHaveLength(each);
    }
    const ids = [train, dev, test].flatMap((split) => (split ? rowsOf(split).map((row) => row[0]) : []));
    expect(ids.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 90 }, (_, i) => i));
    expect(rowsOf(train)).toEqual(rowsOf(train).toSorted((a, b) => Number(a[0]) - Number(b[0])));
  });

  it('takes a source of its own over a share of the training source', async () => {
    const spec = dataSpec(csvSource(writeTable('a.csv', 90), 'y'), {
      dev: csvSource(writeTable('b.csv', 6), 'y'),
      split: { dev: 0.5, test: 0 },
    });
    const { splits } = await loadData(spec, options);
    expect([splits.train.size, splits.dev?.size, splits.test]).toEqual([90, 6, null]);
  });

  it('gives the same splits for the same seed, and others for another', async () => {
    const spec = dataSpec(csvSource(writeTable('a.csv', 90), 'y'), { split: { dev: 0.2, test: 0 } });
    const dev = async (seed: number): Promise<number[][]> => {
      const { splits } = await loadData(spec, { ...options, seed });
      return splits.dev ? rowsOf(splits.dev) : [];
    };
    expect(await dev(7)).toEqual(await dev(7));
    expect(await dev(8)).not.toEqual(await dev(7));
  });

  it('fingerprints the content of the files, in order and with their bounds', async () => {
    const train = csvSource(folder.write('one.csv', 'x,y\n1,0\n2,1\n'), 'y');
    const test = csvSource(folder.write('two.csv', 'x,y\n1,0\n'), 'y');
    const { fingerprint } = await loadData(dataSpec(train, { test }), options);
    const expected = fingerprintOf('x,y\n1,0\n2,1\n', 'x,y\n1,0\n');
    expect(fingerprint).toBe(expected);
    folder.write('two.csv', 'x,y\n1,1\n');
    expect((await loadData(dataSpec(train, { test }), options)).fingerprint).not.toBe(expected);
  });

  it('fingerprints every byte of a long file', async () => {
    const lines = Array.from({ length: 30_000 }, (_, i) => `${i},${i % 2}\n`);
    const fingerprint = async (): Promise<string> => {
      const source = csvSource(folder.write('long.csv', `x,y\n${lines.join('')}`), 'y');
      return (await loadData(dataSpec(source), options)).fingerprint;
    };
    const before = await fingerprint();
    expect(before).toBe(fingerprintOf(`x,y\n${lines.join('')}`));
    for (const line of [0, 17_000, 29_999]) {
      const [old] = lines.splice(line, 1, `${line},${(line + 1) % 2}\n`);
      expect(await fingerprint()).not.toBe(before);
      lines[line] = old ?? '';
    }
  });

  it('refuses a share that holds no sample', async () => {
    const spec = dataSpec(csvSource(writeTable('a.csv', 20), 'y'), { split: { dev: 0, test: 0.01 } });
    const message = await dataError(() => loadData(spec, options));
    expect(message).toContain('the test split is empty: a share of 0.01 of 20 samples is none');
    expect(message).toContain('data.split.test');
  });

  it('refuses sources of different formats', async () => {
    const idx = idxSource(folder.write('f', idxBytes(0x08, [1, 1], [1])), folder.write('l', idxBytes(0x08, [1], [0])));
    const message = await dataError(() =>
      loadData(dataSpec(idx, { dev: csvSource(writeTable('a.csv', 3), 'y') }), options),
    );
    expect(message).toContain('data.dev is in format csv, data.train in idx');
  });

  it('says where it looked for a file that is missing', async () => {
    const relative = await dataError(() => loadData(dataSpec(csvSource('no/such.csv', 'y')), options));
    expect(relative).toContain(`data file ${path.join(folder.path, 'no/such.csv')} does not exist`);
    expect(relative).toContain(`'no/such.csv' is looked up from the folder of the job file, ${folder.path}`);
    const absolute = path.join(folder.path, 'gone');
    const message = await dataError(() => loadData(dataSpec(idxSource(absolute, absolute)), options));
    expect(message).toContain(`data file ${absolute} does not exist | Correct the path`);
    const through = await dataError(() => loadData(dataSpec(csvSource('a.csv/b.csv', 'y')), options));
    expect(through).toContain('does not exist');
  });

  it('refuses a folder', async () => {
    mkdirSync(path.join(folder.path, 'folder'));
    writeFileSync(path.join(folder.path, 'folder/x'), '');
    expect(await dataError(() => loadData(dataSpec(csvSource('folder', 'y')), options))).toContain('is a folder');
  });
});
