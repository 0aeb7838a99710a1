import { describe, expect, it } from 'vitest';
import { gradientFlow, stepArgs, type TraceRecord } from '../../../src/common/trace.js';
import { ChromeEvents } from '../../../src/observe/trace/chrome-events.js';
import { readTrace, type ChromeEvent } from '../../support/chrome-trace.js';

const same = (ms: number): number => ms;

function span(track: string, name: string, startMs: number, endMs: number, args = {}): TraceRecord {
  return { track, name, startMs, endMs, args };
}

function parse(lines: readonly string[]): ChromeEvent[] {
  return lines.map((line) => JSON.parse(line) as ChromeEvent);
}

describe('events of the Chrome trace format', () => {
  it('say what, where, when and for how long, in microseconds', () => {
    const events = new ChromeEvents();
    events.process('coordinator', 'coordinator on a');
    const lines = events.lines('coordinator', [span('reduce', 'add', 1.5, 3.75, { step: 2, bucket: 1 })], same);
    expect(parse(lines).at(-1)).toEqual({
      ph: 'X',
      name: 'add',
      cat: 'reduce',
      pid: 1,
      tid: 1,
      ts: 1_500,
      dur: 2_250,
      args: { step: 2, bucket: 1 },
    });
  });

  it('name each process and each track once, in the order in which they are shown', () => {
    const events = new ChromeEvents();
    const records = ['network from worker-1', 'compute 10', 'compute 2', 'event loop', 'compute 2', 'nobody knows'];
    const lines = [
      ...events.process('coordinator', 'coordinator'),
      ...events.process('worker-1', 'worker-1 on b'),
      ...events.lines(
        'worker-1',
        records.map((track) => span(track, 'x', 0, 1)),
        same,
      ),
    ];
    const all = parse(lines);
    const names = all.filter(({ name }) => name === 'process_name').map(({ pid, args }) => [pid, args?.['name']]);
    expect(names).toEqual([
      [1, 'coordinator'],
      [2, 'worker-1 on b'],
    ]);
    const titles = new Map(
      all.flatMap(({ name, tid, args }) => (name === 'thread_name' ? [[tid, args?.['name']]] : [])),
    );
    const order = all
      .filter(({ name }) => name === 'thread_sort_index')
      .sort((a, b) => Number(a.args?.['sort_index']) - Number(b.args?.['sort_index']))
      .map(({ tid }) => titles.get(tid));
    expect(order).toEqual(['event loop', 'compute 2', 'compute 10', 'network from worker-1', 'nobody knows']);
  });

  it('are shifted to the time line', () => {
    const events = new ChromeEvents();
    const lines = events.lines('worker-1', [span('compute 0', 'x', 1_010, 1_012)], (ms) => ms - 1_000);
    expect(parse(lines).at(-1)).toMatchObject({ ts: 10_000, dur: 2_000 });
  });

  it('show an instant without a duration', () => {
    const events = new ChromeEvents();
    const record: TraceRecord = { track: 'event loop', name: 'lost', startMs: 2, endMs: null, args: {} };
    expect(parse(events.lines('w', [record], same)).at(-1)).toMatchObject({ ph: 'i', s: 't', ts: 2_000 });
  });

  it('draw an arrow from the end of one span to the start of another', () => {
    const events = new ChromeEvents();
    const flow = gradientFlow({ step: 3, attempt: 1 }, { level: 2, index: 1 }, 7);
    const lines = [
      ...events.lines('worker-1', [span('network', 'send', 1, 2, { bucket: 7, flowOut: flow })], same),
      ...events.lines('worker-1', [span('network', 'send', 2, 3)], same),
      ...events.lines('coordinator', [span('reduce', 'add', 5, 6, { flowIn: flow })], same),
    ];
    const { flows } = readTrace(`[${lines.join(',')}]`);
    expect(flows).toHaveLength(1);
    expect(flows[0]?.from).toMatchObject({ pid: 1, ts: 1_999.999 });
    expect(flows[0]?.to).toMatchObject({ pid: 2, ts: 5_000 });
  });

  it('keep within each other what was, although times are rounded', () => {
    const events = new ChromeEvents();
    const third = 1 / 3e6;
    const records = Array.from({ length: 40 }, (_, i) => span('a', 'child', i * third, (i + 1) * third));
    const lines = events.lines('p', [...records, span('a', 'parent', 0, 40 * third)], same);
    expect(readTrace(`[${lines.join(',')}]`).spans).toHaveLength(41);
  });
});

describe('the checks on a trace', () => {
  it('find spans of one track that overlap in part', () => {
    const lines = new ChromeEvents().lines('p', [span('a', 'x', 0, 2), span('a', 'y', 1, 3)], same);
    expect(() => readTrace(`[${lines.join(',')}]`)).toThrow('x [0, 2000]');
  });
});

describe('the arrows of gradients', () => {
  it('are told apart by step, attempt, node and bucket', () => {
    const seen = new Set<number>();
    for (const step of [0, 1, 2 ** 24 - 1])
      for (const attempt of [1, 2])
        for (let level = 0; level <= 11; level += 1)
          for (const index of new Set([0, 1 % 2 ** (11 - level), 2 ** (11 - level) - 1]))
            for (const bucket of [0, 1, 4_095]) seen.add(gradientFlow({ step, attempt }, { level, index }, bucket));
    // Level 11 has one node, level 10 two, all others three of those tried.
    expect(seen.size).toBe(3 * 2 * (10 * 3 + 2 + 1) * 3);
    expect(Math.max(...seen)).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
  });
});

describe('the arguments of a step', () => {
  it('count it from 1, and mention the attempt when it is not the first', () => {
    expect(stepArgs({ step: 0, attempt: 1 }, { bucket: 3 })).toEqual({ step: 1, bucket: 3 });
    expect(stepArgs({ step: 4, attempt: 2 })).toEqual({ step: 5, attempt: 2 });
  });
});
