import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { futexOf } from '../../src/transport/futex.js';
import { mapPart, offerFile } from '../../src/transport/shared-part.js';

const RANGE = { byteOffset: 65_536, bytes: 65_536 };
const memory = (): WebAssembly.Memory => new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
const words = ({ buffer }: WebAssembly.Memory): Int32Array => new Int32Array(buffer, RANGE.byteOffset, 16);

/** Raises a word, and wakes who sleeps on it through another mapping, until it is told to stop. */
const RINGER = `
  const { workerData: { shared, stop, address } } = require('node:worker_threads');
  const koffi = require('koffi');
  const call = koffi.load(null).func('long syscall(long, uintptr_t, int, int, uintptr_t, uintptr_t, int)');
  const words = new Int32Array(shared, ${RANGE.byteOffset}, 16);
  while (Atomics.load(stop, 0) === 0) {
    Atomics.add(words, 3, 1);
    call(process.arch === 'x64' ? 202 : 98, address, 1, 2 ** 31 - 1, 0, 0, 0);
    Atomics.wait(stop, 0, 0, 5);
  }
`;

describe.runIf(process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch))('sleeping on a word', () => {
  it('ends at once where the word has another value, and after its time where nobody rings', () => {
    const own = words(memory());
    const { wait, wake } = futexOf(own);
    wait(0, 1, 60_000);
    wait(0, 0, 1);
    wake(0);
  });

  it('is ended through another mapping of the same memory', async () => {
    const { offer, seal } = offerFile(RANGE.bytes);
    const [ours, theirs] = [memory(), memory()];
    for (const one of [ours, theirs]) mapPart(offer, { buffer: one.buffer, ...RANGE }, 'write');
    seal();
    const { createRequire } = await import('node:module');
    const koffi = createRequire(import.meta.url)('koffi') as { address(view: Int32Array): bigint };
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const address = Number(koffi.address(words(theirs))) + 3 * 4;
    const workerData = { shared: theirs.buffer, stop, address };
    const ringer = new Worker(RINGER, { eval: true, workerData });
    const { wait } = futexOf(words(ours));
    const seen = words(ours);
    // Would outlast the test if it slept through a ring.
    for (let rings = 0; rings < 20; rings += 1) wait(3, Atomics.load(seen, 3), 600_000);
    expect(Atomics.load(seen, 3)).toBeGreaterThanOrEqual(20);
    Atomics.store(stop, 0, 1);
    await ringer.terminate();
  });
});
