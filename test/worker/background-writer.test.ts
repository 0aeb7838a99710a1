import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { BackgroundWriter } from '../../worker/background-writer.js';
import { Staging, type Batch } from '../../worker/staging.js';

/** A thread that answers when the test says so. */
class ScriptedThread extends EventEmitter {
  readonly requests: unknown[] = [];
  terminated = 0;

  postMessage(request: unknown): void {
    this.requests.push(request);
  }

  terminate(): Promise<number> {
    this.terminated += 1;
    this.emit('exit', 1);
    return Promise.resolve(1);
  }

  answer(problem: string | null = null): void {
    this.emit('message', { problem });
  }
}

function rig() {
  const thread = new ScriptedThread();
  const writer = new BackgroundWriter(thread);
  return { thread, writer, staging: new Staging(writer) };
}

const batch = (first: number): Batch => ({ split: 'train', epoch: 0, first, rows: 4 });
const settledNow = async (promise: unknown): Promise<unknown> =>
  Promise.race([
    promise,
    new Promise((resolve) => {
      setImmediate(() => resolve('pending'));
    }),
  ]);

describe('staging on a thread', () => {
  it('has a slot when the thread has filled it', async () => {
    const { thread, staging } = rig();
    const slot = staging.use(batch(0));
    expect(await settledNow(slot)).toBe('pending');
    thread.answer();
    expect(await slot).toBe(1);
    expect(thread.requests).toEqual([{ slot: 1, batch: batch(0) }]);
  });

  it('takes a batch that was prepared at once, or when it is there', async () => {
    const { thread, staging } = rig();
    const first = staging.use(batch(0));
    thread.answer();
    await first;
    staging.prepare(batch(4));
    const early = staging.use(batch(4));
    expect(await settledNow(early)).toBe('pending');
    thread.answer();
    expect(await early).toBe(0);
    staging.prepare(batch(8));
    thread.answer();
    await settledNow(null);
    expect(staging.use(batch(8))).toBe(1);
    expect(thread.requests).toHaveLength(3);
  });

  it('waits for its own batch where another one was expected', async () => {
    const { thread, staging } = rig();
    const first = staging.use(batch(0));
    thread.answer();
    await first;
    staging.prepare(batch(4));
    const other = staging.use(batch(20));
    thread.answer();
    expect(await settledNow(other)).toBe('pending');
    thread.answer();
    expect(await other).toBe(0);
    // The batch that was expected has been overwritten.
    const expected = staging.use(batch(4));
    expect(await settledNow(expected)).toBe('pending');
    expect(thread.requests).toHaveLength(4);
  });

  it('rejects a batch that could not be written, and tries again when it is asked for again', async () => {
    const { thread, staging } = rig();
    const failed = staging.use(batch(0));
    thread.answer('there is no sample 7');
    await expect(failed).rejects.toMatchObject({ code: 'internal', message: 'data thread: there is no sample 7' });
    const again = staging.use(batch(0));
    thread.answer();
    await again;
    expect(thread.requests).toHaveLength(2);
  });

  it.each([
    [
      'an error',
      (thread: ScriptedThread) => thread.emit('error', new Error('out of memory')),
      'data thread: out of memory',
    ],
    ['its end', (thread: ScriptedThread) => thread.emit('exit', 5), 'the data thread ended with code 5'],
  ])('rejects everything after %s of the thread', async (_, happens, message) => {
    const { thread, staging } = rig();
    const waiting = staging.use(batch(0));
    staging.prepare(batch(4));
    happens(thread);
    await expect(waiting).rejects.toMatchObject({ code: 'internal', message });
    await expect(staging.use(batch(4))).rejects.toMatchObject({ message });
    await expect(staging.use(batch(8))).rejects.toMatchObject({ message });
  });

  it('ends the thread, whatever is still under way', async () => {
    const { thread, staging } = rig();
    const waiting = staging.use(batch(0));
    await staging.close();
    expect(thread.terminated).toBe(1);
    await expect(waiting).rejects.toThrow('stopped');
  });
});
