import { fork, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Condition } from '../../src/common/condition.js';
import { packageRoot } from '../../src/common/package.js';
import { READER_ID, Reader, closing, numbers, piece, sameBytes, startSource } from './rig.js';

/** Far more than a ring holds, so that the transfer lasts. */
const LARGE = 12_000_001;

class Peer {
  readonly said: Record<string, unknown>[] = [];
  readonly #child: ChildProcess;
  readonly #changed = new Condition();

  constructor(task: object) {
    const built = join(packageRoot(), 'dist/src/transport/bulk-reader.js');
    if (!existsSync(built)) throw new Error('The other process runs the build: npm run build');
    this.#child = fork(join(packageRoot(), 'test/transport/peer-process.mjs'), { execArgv: [] });
    this.#child.on('message', (message) => {
      this.said.push(message as Record<string, unknown>);
      this.#changed.notify();
    });
    this.#child.send(task);
    closing.push(() => this.kill());
  }

  /** What it has said under this name, when it has. */
  async says(name: string): Promise<unknown> {
    await this.#changed.until(() => this.said.some((message) => name in message));
    return this.said.find((message) => name in message)?.[name];
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Shared memory of this process: mapped, and open for others. */
function held(): { mapped: number; open: number } {
  const isShared = (text: string): boolean => text.includes('/memfd:lockstep');
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // The descriptor that read the folder.
    }
  });
  const mapped = readFileSync('/proc/self/maps', 'utf8').split('\n').filter(isShared).length;
  return { mapped, open: links.filter(isShared).length };
}

describe.runIf(process.platform === 'linux')('shared memory between two processes', () => {
  it.each(['auto', 'shm', 'grpc'] as const)(
    'is used when it is to be (%s), and carries every bit in order',
    async (carrier) => {
      const { server, address } = await startSource();
      const values = numbers(LARGE);
      server.send(READER_ID, piece(values));
      const peer = new Peer({ read: address, carrier, count: LARGE });
      expect(await peer.says('opened')).toEqual([carrier === 'grpc' ? 'grpc' : 'shm', null]);
      const digest = createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');
      expect(await peer.says('digest')).toBe(digest);
      expect(peer.said.at(-1)).toMatchObject({ ordered: true });
      // Nobody else can open it any more.
      expect(held()).toEqual({ mapped: carrier === 'grpc' ? 0 : 1, open: 0 });
      await server.close();
      expect(held()).toEqual({ mapped: 0, open: 0 });
    },
  );

  it('is gone when its reader is killed in the middle of a piece, with what was queued', async () => {
    const { server, address } = await startSource();
    server.send(READER_ID, piece(numbers(LARGE)));
    const peer = new Peer({ read: address, carrier: 'shm', count: LARGE, dieAt: LARGE / 3 });
    expect(await peer.says('opened')).toEqual(['shm', null]);
    await server.flushed(READER_ID);
    expect(held()).toEqual({ mapped: 0, open: 0 });
    // The next process of that name finds what is queued from then on.
    server.send(READER_ID, piece(numbers(1000)));
    const next = new Peer({ read: address, carrier: 'shm', count: 1000 });
    expect(await next.says('ordered')).toBe(true);
  });

  it('is gone when its source is killed, and the reader is told', async () => {
    const peer = new Peer({ serve: LARGE });
    const address = { host: '127.0.0.1', port: (await peer.says('port')) as number };
    const reader = new Reader(address, { carrier: 'shm' });
    await reader.until(({ count }) => count > LARGE / 3);
    peer.kill();
    await reader.until(({ losses }) => losses.length > 0);
    expect(reader.losses).toHaveLength(1);
    expect(held()).toEqual({ mapped: 0, open: 0 });
  });

  it('comes from a source in another process', async () => {
    const peer = new Peer({ serve: LARGE });
    const address = { host: '127.0.0.1', port: (await peer.says('port')) as number };
    const reader = new Reader(address, { carrier: 'auto' });
    await reader.until(({ count }) => count === LARGE);
    expect(sameBytes(reader.vector(LARGE), numbers(LARGE))).toBe(true);
    expect(reader.opened).toEqual(['shm', null]);
  });
});
