import { describe, expect, it } from 'vitest';
import { SpanRecorder } from '../../../src/observe/trace/span-recorder.js';

const ALL = { firstStep: 0, endStep: Infinity };

function recorder(capacity?: number): SpanRecorder {
  const created = new SpanRecorder(ALL, capacity);
  created.begin(0);
  return created;
}

describe('a span recorder', () => {
  it('gives back what was recorded, once', () => {
    const spans = recorder();
    spans.span('compute 0', 'forward', 1.25, 3.5, { step: 1, bucket: 0 });
    spans.instant('event loop', 'lost', 4, {});
    expect(spans.drain()).toEqual([
      { track: 'compute 0', name: 'forward', startMs: 1.25, endMs: 3.5, args: { step: 1, bucket: 0 } },
      { track: 'event loop', name: 'lost', startMs: 4, endMs: null, args: {} },
    ]);
    expect(spans.drain()).toEqual([]);
  });

  it('records the steps of its range only', () => {
    const spans = new SpanRecorder({ firstStep: 2, endStep: 4 });
    const enabled = [0, 1, 2, 3, 4, 5].map((step) => {
      spans.begin(step);
      spans.span('t', 'n', step, step + 1);
      return spans.enabled;
    });
    expect(enabled).toEqual([false, false, true, true, false, false]);
    expect(spans.drain().map(({ startMs }) => startMs)).toEqual([2, 3]);
  });

  it('records nothing before the first step', () => {
    const spans = new SpanRecorder(ALL);
    spans.span('t', 'n', 0, 1);
    expect(spans.drain()).toEqual([]);
  });

  it('keeps the newest when there is no more room, and counts the others', () => {
    const spans = recorder(4);
    for (let i = 0; i < 11; i += 1) spans.span('t', `n${i}`, i, i + 1, { step: i });
    expect(spans.drain().map(({ name, args }) => [name, args['step']])).toEqual([
      ['n7', 7],
      ['n8', 8],
      ['n9', 9],
      ['n10', 10],
    ]);
    expect(spans.takeDropped()).toBe(7);
    expect(spans.takeDropped()).toBe(0);
  });

  it('keeps six arguments of a span, and tells thousands of names apart', () => {
    const spans = recorder();
    spans.span('t', 'n', 0, 1, { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7 });
    expect(spans.drain()[0]?.args).toEqual({ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 });
    for (let i = 0; i < 5_000; i += 1) spans.span('t', `n${i}`, i, i + 1);
    const names = spans.drain().map(({ name }) => name);
    expect(names[4_000]).toBe('n4000');
    expect(names[4_999]).toBe('…');
  });
});
