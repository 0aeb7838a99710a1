import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterTrace } from '../../../coordinator/trace/cluster-trace.js';
import { TraceFile } from '../../../coordinator/trace/trace-file.js';
import type { TraceRange, TraceRecord } from '../../../src/common/trace.js';
import type { ClockPing, CoordinatorMessage } from '../../../src/protocol/messages.js';
import { readTrace, type Trace } from '../../support/chrome-trace.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-trace-'));
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const path = (): string => join(folder, 'trace.json');
const written = (): Trace => readTrace(readFileSync(path(), 'utf8'));

function start(range: TraceRange = { firstStep: 0, endStep: 10 }): ClusterTrace {
  return new ClusterTrace(new TraceFile(path()), range);
}

const record = (name: string, startMs: number, endMs: number): TraceRecord => ({
  track: 'compute 0',
  name,
  startMs,
  endMs,
  args: { step: 1 },
});

/** A worker whose clock shows more than the coordinator's, and which answers when it is told to. */
class FakeWorker {
  readonly id: string;
  /** Unanswered. */
  readonly pings: ClockPing[] = [];
  readonly #trace: ClusterTrace;
  /** Its clock minus the coordinator's. */
  aheadMs: number;

  constructor(id: string, trace: ClusterTrace, aheadMs: number) {
    this.id = id;
    this.#trace = trace;
    this.aheadMs = aheadMs;
    trace.join(this, { host: 'b', pid: 7 });
  }

  send(message: CoordinatorMessage): void {
    if (message.type === 'clockPing') this.pings.push(message);
  }

  /** What its clock shows now. */
  get clockMs(): number {
    return performance.now() + this.aheadMs;
  }

  /** Answers a question after so many ms on the way there and back. */
  answer(thereMs: number, backMs: number): void {
    const { sentMs } = this.pings.shift() ?? { sentMs: NaN };
    vi.advanceTimersByTime(thereMs);
    const [remoteReceivedMs, remoteSentMs] = [this.clockMs, this.clockMs];
    vi.advanceTimersByTime(backMs);
    const pong = { type: 'clockPong', sentMs, remoteReceivedMs, remoteSentMs } as const;
    expect(this.#trace.message(this.id, pong)).toBe(true);
  }

  report(...records: TraceRecord[]): boolean {
    return this.#trace.message(this.id, { type: 'traceSpans', records, dropped: 0 });
  }
}

describe('the trace of a cluster', () => {
  it('shows the spans of all processes on the time line of the coordinator', () => {
    const trace = start();
    const worker = new FakeWorker('worker-1', trace, 5e8);
    trace.message('worker-1', { type: 'ready', dataFingerprint: '' });
    worker.answer(9, 1);
    worker.answer(2, 2);
    worker.answer(1, 30);
    trace.begin(0);
    const [here, there] = [performance.now(), worker.clockMs];
    trace.span('event loop', 'step', here, here + 8, { step: 1 });
    expect(worker.report(record('forward', there + 1, there + 3))).toBe(true);
    const { events, ...summary } = trace.finish();
    expect(summary).toEqual({
      path: path(),
      steps: { firstStep: 0, endStep: 1 },
      cut: false,
      dropped: 0,
      failure: null,
    });
    const { spans, processes, events: all } = written();
    expect(all).toHaveLength(events);
    expect(processes).toEqual(['coordinator', 'worker-1 (process 7 on b)']);
    // By the quickest of the three answers, whose ways were equal.
    expect(spans.map(({ process, name, start, end }) => [process, name, start - here * 1e3, end - here * 1e3])).toEqual(
      [
        ['worker-1 (process 7 on b)', 'forward', 1_000, 3_000],
        ['coordinator', 'step', 0, 8_000],
      ],
    );
  });

  it('asks a worker eight times before its first plan, and again from time to time', () => {
    const trace = start();
    const worker = new FakeWorker('worker-1', trace, 0);
    const answerAll = (): number => {
      let rounds = 0;
      for (; worker.pings.length > 0; rounds += 1) worker.answer(1, 1);
      return rounds;
    };
    expect(answerAll()).toBe(0);
    // The trainer hears of it too: it is what makes it plan.
    expect(trace.message('worker-1', { type: 'ready', dataFingerprint: '' })).toBe(false);
    expect(answerAll()).toBe(8);
    vi.advanceTimersByTime(2_000);
    expect(answerAll()).toBe(4);
    expect(trace.message('worker-1', { type: 'failed', code: 'data', message: '' })).toBe(false);
    trace.lost('worker-1');
    vi.advanceTimersByTime(2_000);
    expect(answerAll()).toBe(0);
    trace.finish();
  });

  it('follows a clock that drifts, without putting anything out of order', () => {
    const trace = start();
    const worker = new FakeWorker('worker-1', trace, 100);
    trace.message('worker-1', { type: 'ready', dataFingerprint: '' });
    worker.answer(1, 1);
    trace.begin(0);
    worker.report(record('a', worker.clockMs, worker.clockMs + 10));
    // A minute later it is 3 ms further ahead, which is what 50 ppm make; the last question has just been asked.
    vi.advanceTimersByTime(60_000 - performance.now());
    worker.aheadMs = 103;
    worker.pings.splice(0, worker.pings.length - 1);
    worker.answer(0, 0);
    vi.advanceTimersByTime(500);
    const here = performance.now();
    worker.report(record('b', worker.clockMs, worker.clockMs + 10));
    trace.finish();
    expect(written().spans.at(-1)?.start).toBeCloseTo(here * 1e3, 1);
  });

  it('counts what it cannot place: spans of a worker whose clock it does not know, and those lost on the way', () => {
    const trace = start();
    const worker = new FakeWorker('worker-1', trace, 0);
    trace.begin(0);
    trace.span('event loop', 'step', 0, 1, { step: 1 });
    worker.report(record('forward', 0, 1), record('backward', 1, 2));
    trace.message('worker-1', { type: 'traceSpans', records: [], dropped: 3 });
    trace.lost('worker-1');
    expect(worker.report(record('late', 0, 1))).toBe(false);
    expect(trace.finish().dropped).toBe(5);
    expect(written().spans.map(({ name }) => name)).toEqual(['step']);
  });

  it('holds the steps of its range, and knows when there were more', () => {
    const trace = start({ firstStep: 2, endStep: 4 });
    for (let step = 0; step < 6; step += 1) {
      trace.begin(step);
      trace.span('event loop', 'step', step, step + 1, { step: step + 1 });
    }
    const { steps, cut } = trace.finish();
    expect({ steps, cut }).toEqual({ steps: { firstStep: 2, endStep: 4 }, cut: true });
    expect(written().spans.map(({ args }) => args['step'])).toEqual([3, 4]);
  });

  it('leaves no file when the run does not come to its range', () => {
    const trace = start({ firstStep: 2, endStep: 4 });
    trace.begin(0);
    expect(trace.finish().steps).toBeNull();
    expect(existsSync(path())).toBe(false);
  });
});
