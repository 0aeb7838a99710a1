import { describe, expect, it } from 'vitest';
import { Control, type SegmentRange } from '../../worker/control.js';
import { passRequest as request } from '../support/passes.js';

/** One segment. */
const only = (segment: number): SegmentRange => ({ first: segment, end: segment + 1 });

describe('calling threads', () => {
  it('a run is over when the last thread is done', async () => {
    const control = new Control();
    let over = false;
    const run = control.run(only(5), 3).then(() => {
      over = true;
    });
    expect(control.next(0)).toEqual({ sequence: 1, first: 5, end: 6 });
    control.done();
    control.done();
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    control.done();
    await run;
    expect(over).toBe(true);
  });

  it('every run has a number of its own, and claims that begin at 0', async () => {
    const control = new Control();
    for (let sequence = 1; sequence <= 3; sequence += 1) {
      const run = control.run(only(7), 1);
      expect(control.next(sequence - 1)).toEqual({ sequence, first: 7, end: 8 });
      expect([control.claim(0), control.claim(0), control.claim(1), control.claim(0)]).toEqual([0, 1, 0, 2]);
      control.done();
      await run;
    }
  });

  it('stop ends the threads', () => {
    const control = new Control();
    control.stop();
    expect(control.next(0)).toBeNull();
  });

  it('the death of a thread ends the wait', async () => {
    const control = new Control();
    expect(control.failed).toBe(false);
    const run = control.run(only(1), 2);
    control.abandon();
    await run;
    expect(control.failed).toBe(true);
  });

  it('a thread alone does not wait at a barrier', () => {
    const control = new Control();
    control.barrier(1);
    control.barrier(1);
  });
});

describe('waiting for the threads', () => {
  it('goes on when they are done, not when a notification comes late', async () => {
    const control = new Control();
    const words = new Int32Array(control.buffer);
    let ended = false;
    const running = control.run(only(0), 1).then(() => {
      ended = true;
    });
    // What a thread sends that was put aside after it had counted the segment before.
    for (let index = 0; index < 16; index += 1) Atomics.notify(words, index);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ended).toBe(false);
    control.done();
    await running;
    expect(ended).toBe(true);
  });
});

describe('the progress of gradients', () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('is told while other operations of the segment go on', async () => {
    const control = new Control();
    control.wakeAfter([0, 3]);
    control.wakeAfter([0, 1]);
    control.setPass(request);
    const seen: string[] = [];
    const run = control
      .run(only(5), 2, () => seen.push([0, 1].map((operation) => control.hasEnded(operation, 2)).join(' ')))
      .then(() => seen.push('over'));
    await turn();
    expect(seen).toEqual(['false false']);
    // One of the two tasks of an operation is nothing to tell.
    control.taskEnded(1, 2);
    await turn();
    expect(seen).toEqual(['false false']);
    control.taskEnded(1, 2);
    // Nor is the end of an operation that nobody asks about.
    control.taskEnded(3, 1);
    await turn();
    expect(seen).toEqual(['false false', 'false true']);
    control.done();
    control.taskEnded(0, 2);
    control.taskEnded(0, 2);
    await turn();
    expect(seen).toEqual(['false false', 'false true', 'true true']);
    control.done();
    await run;
    expect(seen.slice(-2)).toEqual(['true true', 'over']);
  });

  it('is told once more at the end, of what ended last', async () => {
    const control = new Control();
    control.setPass(request);
    const seen: boolean[] = [];
    const run = control.run(only(5), 1, () => seen.push(control.hasEnded(7, 1)));
    control.taskEnded(7, 1);
    control.done();
    await run;
    expect(seen.at(-1)).toBe(true);
  });

  it('goes on from segment to segment, and begins again with the next pass', async () => {
    const control = new Control();
    control.setPass(request);
    for (const segment of [1, 2]) {
      const run = control.run(only(segment), 1);
      control.taskEnded(0, 2);
      control.done();
      await run;
      expect(control.hasEnded(0, 2)).toBe(segment === 2);
    }
    control.setPass(request);
    expect(control.hasEnded(0, 2)).toBe(false);
  });
});
