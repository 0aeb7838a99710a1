import { describe, expect, it } from 'vitest';
import { ThreadTrace, type ThreadSpan } from '../../worker/thread-trace.js';

function drained(trace: ThreadTrace): ThreadSpan[] {
  const spans: ThreadSpan[] = [];
  trace.drain((span) => spans.push(span));
  return spans;
}

describe('the trace of compute threads', () => {
  it('is what each thread recorded, once', () => {
    const main = new ThreadTrace(2);
    const thread = new ThreadTrace(2, main.buffer);
    thread.record(1, 3, 0, 10, 11);
    thread.record(1, 3, 1, 11, 14);
    thread.record(0, 3, 0, 10, 12);
    const spans = drained(main);
    expect(spans.map(({ thread, segment, group }) => [thread, segment, group])).toEqual([
      [0, 3, 0],
      [1, 3, 0],
      [1, 3, 1],
    ]);
    // Recorded on this very thread, so that only the reading of the clock shifts it.
    expect(spans[2]?.startMs).toBeCloseTo(11, 1);
    expect((spans[2]?.endMs ?? 0) - (spans[2]?.startMs ?? 0)).toBeCloseTo(3, 6);
    expect(drained(main)).toEqual([]);
  });

  it('is off until it is asked for', () => {
    const main = new ThreadTrace(1);
    const thread = new ThreadTrace(1, main.buffer);
    const seen = [true, false].map((enabled) => {
      const before = thread.enabled;
      main.enable(enabled);
      return [before, thread.enabled];
    });
    expect(seen).toEqual([
      [false, true],
      [true, false],
    ]);
  });

  it('keeps the newest spans when there are too many', () => {
    const main = new ThreadTrace(1);
    for (let i = 0; i < 10_000; i += 1) main.record(0, i, 0, i, i + 1);
    const segments = drained(main).map(({ segment }) => segment);
    expect(segments).toHaveLength(4_096);
    expect([segments[0], segments.at(-1)]).toEqual([10_000 - 4_096, 9_999]);
    main.record(0, 7, 0, 0, 1);
    expect(drained(main)).toHaveLength(1);
  });
});
