import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeFileAtomic } from '../../src/state/atomic-write.js';
import { temporaryFolder } from './samples.js';

describe('writeFileAtomic', () => {
  it('writes text and bytes, over what was there, and leaves nothing else', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    await writeFile(path, 'something longer from before');
    await writeFileAtomic(path, 'grün');
    expect(await readFile(path, 'utf8')).toBe('grün');
    await writeFileAtomic(path, [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)]);
    expect([...(await readFile(path))]).toEqual([1, 2, 3]);
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('shows a reader the old content or the new, never a part', async () => {
    const path = join(await temporaryFolder(), 'file');
    const contents = ['a', 'b'].map((letter) => letter.repeat(300_000));
    await writeFileAtomic(path, contents[0] ?? '');
    let writing = true;
    const writer = (async () => {
      for (let i = 1; i <= 20; i++) await writeFileAtomic(path, contents[i % 2] ?? '');
      writing = false;
    })();
    let reads = 0;
    while (writing) {
      expect(contents).toContain(await readFile(path, 'utf8'));
      reads += 1;
    }
    await writer;
    expect(reads).toBeGreaterThan(0);
  });

  it('survives two writers of one path', async () => {
    const folder = await temporaryFolder();
    await Promise.all(['a', 'b', 'c'].map((text) => writeFileAtomic(join(folder, 'file'), text)));
    expect(await readdir(folder)).toEqual(['file']);
    expect(['a', 'b', 'c']).toContain(await readFile(join(folder, 'file'), 'utf8'));
  });

  it('says what is wrong with the path, and cleans up', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'taken'));
    await expect(writeFileAtomic(join(folder, 'taken'), 'x')).rejects.toMatchObject({ code: 'usage' });
    await expect(writeFileAtomic(join(folder, 'none', 'x'), 'x')).rejects.toMatchObject({
      code: 'usage',
      message: `cannot write ${join(folder, 'none', 'x')}: no such file or folder`,
    });
    expect(await readdir(folder)).toEqual(['taken']);
  });
});
