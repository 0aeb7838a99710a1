import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { JsonLinesFile } from '../../src/state/json-lines.js';
import { temporaryFolder } from './samples.js';

async function jsonLines() {
  return new JsonLinesFile<{ n: number | null }>(join(await temporaryFolder(), 'lines.jsonl'));
}

describe('JsonLinesFile', () => {
  it('keeps the order of the calls without awaiting them', async () => {
    const file = await jsonLines();
    const numbers = Array.from({ length: 50 }, (_, n) => n);
    const writes = numbers.map((n) => file.append({ n }));
    expect(await file.read()).toEqual(numbers.map((n) => ({ n })));
    await Promise.all(writes);
  });

  it('has no lines before the first', async () => {
    expect(await (await jsonLines()).read()).toEqual([]);
  });

  it('writes numbers that JSON lacks as null', async () => {
    const file = await jsonLines();
    await file.append({ n: Number.NaN });
    expect(await readFile(file.path, 'utf8')).toBe('{"n":null}\n');
  });

  it('passes over a line that a crash cut short, and removes it before the next', async () => {
    const file = await jsonLines();
    await file.append({ n: 1 });
    await appendFile(file.path, '{"n": 2, "ä');
    const reopened = new JsonLinesFile<{ n: number | null }>(file.path);
    expect(await reopened.read()).toEqual([{ n: 1 }]);
    await reopened.append({ n: 3 });
    expect(await readFile(file.path, 'utf8')).toBe('{"n":1}\n{"n":3}\n');
  });

  it('drops the lines that are not kept', async () => {
    const file = await jsonLines();
    for (const n of [1, 2, 3, 4]) void file.append({ n });
    await file.filter(({ n }) => (n ?? 0) % 2 === 0);
    await file.append({ n: 5 });
    expect(await readFile(file.path, 'utf8')).toBe('{"n":2}\n{"n":4}\n{"n":5}\n');
  });

  it('names the file and line of damage', async () => {
    const file = await jsonLines();
    await writeFile(file.path, '{"n":1}\nnonsense\n{"n":3}\n');
    await expect(file.read()).rejects.toMatchObject({
      code: 'data',
      message: `${file.path}, line 2: not a JSON object`,
    });
    await expect(file.filter(() => true)).rejects.toMatchObject({ code: 'data' });
    await file.append({ n: 4 });
    expect(await readFile(file.path, 'utf8')).toContain('{"n":4}');
  });
});
