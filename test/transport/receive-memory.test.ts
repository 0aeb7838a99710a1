import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/common/package.js';
import { heapGrowth } from '../../src/transport/receive-memory.js';

const MIB = 2 ** 20;

describe('a heap beside which much is received', () => {
  it('may grow by 128 MiB before it is marked, however small it is', () => {
    expect(heapGrowth(8 * MIB)).toBe(1600);
    expect(heapGrowth(32 * MIB)).toBe(400);
  });

  it('is left to V8 when it is so large that V8 grants as much by itself', () => {
    expect(heapGrowth(43 * MIB)).toBe(0);
    expect(heapGrowth(1000 * MIB)).toBe(0);
  });
});

const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };

describe.runIf(header.glibcVersionRuntime !== undefined)('a process that has received much', () => {
  it('keeps the memory of its buffers, and says nothing about it', async () => {
    const built = join(packageRoot(), 'dist/src/transport/receive-memory.js');
    if (!existsSync(built)) throw new Error('The other process runs the build: npm run build');
    const child = fork(join(packageRoot(), 'test/transport/receiving-process.mjs'), { execArgv: [], silent: true });
    // A flag that this V8 does not know would be complained about.
    let complaints = '';
    child.stderr?.on('data', (text: Buffer) => (complaints += text.toString()));
    const [{ before, after }] = (await once(child, 'message')) as [{ before: number[]; after: number[] }];
    await once(child, 'exit');
    expect(complaints).toBe('');
    // Once it has as much as it needs, it takes next to nothing from the system.
    expect(Math.min(...after)).toBeLessThan(Math.min(...before) / 4);
  });
});
