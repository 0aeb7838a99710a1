/** Reads a trace back and holds it to the rules of the Chrome trace format. */
import { expect } from 'vitest';

export interface ChromeEvent {
  readonly ph: 'X' | 'i' | 's' | 'f' | 'M';
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly cat?: string;
  /** µs. */
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: string;
  readonly bp?: string;
  readonly s?: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface Span {
  readonly process: string;
  readonly track: string;
  readonly name: string;
  /** µs. */
  readonly start: number;
  readonly end: number;
  readonly args: Readonly<Record<string, number>>;
}

export interface Trace {
  readonly events: readonly ChromeEvent[];
  readonly processes: readonly string[];
  readonly spans: readonly Span[];
  readonly flows: readonly { readonly id: string; readonly from: ChromeEvent; readonly to: ChromeEvent }[];
}

/** Times are whole nanoseconds, but written in µs, whose last bit a sum may lose. */
const ROUNDING = 1e-3 / 2;

/** Parses a trace file and checks everything that its format demands. */
export function readTrace(text: string): Trace {
  const events = JSON.parse(text) as ChromeEvent[];
  expect(Array.isArray(events)).toBe(true);
  for (const event of events) checkFields(event);
  const titles = named(events, 'process_name', ({ pid }) => String(pid));
  const tracks = named(events, 'thread_name', ({ pid, tid }) => `${pid}/${tid}`);
  for (const { ph, pid, tid } of events) {
    expect(titles.has(String(pid)), `process ${pid} has a name`).toBe(true);
    if (ph !== 'M') expect(tracks.has(`${pid}/${tid}`), `track ${pid}/${tid} has a name`).toBe(true);
  }
  const spans = events
    .filter(({ ph }) => ph === 'X')
    .map(({ pid, tid, name, ts = NaN, dur = NaN, args }): Span => ({
      process: titles.get(String(pid)) ?? '',
      track: tracks.get(`${pid}/${tid}`) ?? '',
      name,
      start: ts,
      end: ts + dur,
      args: args as Span['args'],
    }));
  checkNesting(spans);
  return { events, processes: [...titles.values()], spans, flows: flowsOf(events) };
}

function checkFields(event: ChromeEvent): void {
  expect(Number.isInteger(event.pid) && Number.isInteger(event.tid), JSON.stringify(event)).toBe(true);
  expect(typeof event.name).toBe('string');
  expect(['X', 'i', 's', 'f', 'M']).toContain(event.ph);
  if (event.ph === 'M') return;
  expect(Number.isFinite(event.ts), JSON.stringify(event)).toBe(true);
  if (event.ph === 'X') {
    expect(Number.isFinite(event.dur) && (event.dur ?? -1) >= 0, JSON.stringify(event)).toBe(true);
    for (const value of Object.values(event.args ?? {})) expect(typeof value).toBe('number');
  }
  if (event.ph === 'i') expect(event.s).toBe('t');
  if (event.ph === 'f') expect(event.bp).toBe('e');
  if (event.ph === 's' || event.ph === 'f') expect(typeof event.id).toBe('string');
}

function named(events: readonly ChromeEvent[], kind: string, key: (event: ChromeEvent) => string): Map<string, string> {
  const names = new Map<string, string>();
  for (const event of events)
    if (event.ph === 'M' && event.name === kind) names.set(key(event), String(event.args?.['name']));
  return names;
}

/** Spans of one track must lie beside or within each other: what overlaps in part cannot be drawn. */
function checkNesting(spans: readonly Span[]): void {
  const tracks = new Map<string, Span[]>();
  for (const span of spans) {
    const key = `${span.process} / ${span.track}`;
    tracks.set(key, [...(tracks.get(key) ?? []), span]);
  }
  for (const [track, unordered] of tracks) {
    const open: Span[] = [];
    for (const span of [...unordered].sort((a, b) => a.start - b.start || b.end - a.end)) {
      while (open.length > 0 && (open.at(-1)?.end ?? 0) <= span.start + ROUNDING) open.pop();
      const around = open.at(-1);
      if (around !== undefined) {
        const told = `${track}: ${span.name} [${span.start}, ${span.end}] in ${around.name} [${around.start}, ${around.end}]`;
        expect(span.end, told).toBeLessThanOrEqual(around.end + ROUNDING);
      }
      open.push(span);
    }
  }
}

/** Every arrow that has both ends; each end must lie in a span of its track. */
function flowsOf(events: readonly ChromeEvent[]): Trace['flows'] {
  const starts = new Map(events.filter(({ ph }) => ph === 's').map((event) => [event.id, event]));
  for (const flow of events.filter(({ ph }) => ph === 's' || ph === 'f')) {
    const holds = events.some(
      ({ ph, pid, tid, ts = NaN, dur = NaN }) =>
        ph === 'X' &&
        pid === flow.pid &&
        tid === flow.tid &&
        ts <= (flow.ts ?? NaN) + ROUNDING &&
        (flow.ts ?? NaN) <= ts + dur + ROUNDING,
    );
    expect(holds, JSON.stringify(flow)).toBe(true);
  }
  return events.flatMap((to) => {
    const from = to.ph === 'f' ? starts.get(to.id) : undefined;
    return from === undefined ? [] : [{ id: String(to.id), from, to }];
  });
}
