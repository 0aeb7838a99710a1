/**
 * Records as events of the Chrome trace format, which Perfetto and chrome://tracing read ("Trace Event Format", Duffy and
 * others): "X" for a span, "i" for an instant, "s" and "f" for the two ends of an arrow, "M" for names. Times are in µs with
 * three decimals. One object per line.
 */
import type { TraceRecord } from '../../common/trace.js';

/** Order of the tracks of a process, from the top. */
const TRACK_ORDER = ['event loop', 'compute', 'reduce', 'update', 'broadcast', 'network'];
/** Tracks of one kind are ordered by the number that they end with. */
const SPACING = 1_000;

interface Process {
  readonly pid: number;
  readonly tracks: Map<string, number>;
}

/** Turns records into lines, giving processes and tracks their numbers as they first appear. */
export class ChromeEvents {
  readonly #processes = new Map<string, Process>();

  /** Introduces a process, or gives a known one another title; processes are shown in the order of their introduction. */
  process(id: string, title: string): string[] {
    const pid = this.#processes.get(id)?.pid ?? this.#processes.size + 1;
    if (!this.#processes.has(id)) this.#processes.set(id, { pid, tracks: new Map() });
    return [
      metadata('process_name', pid, 0, { name: title }),
      metadata('process_sort_index', pid, 0, { sort_index: pid }),
    ];
  }

  /**
   * @param toLocal Maps times of the process to those of the time line; must be increasing.
   */
  lines(id: string, records: readonly TraceRecord[], toLocal: (ms: number) => number): string[] {
    const lines = this.#processes.has(id) ? [] : this.process(id, id);
    const { pid, tracks } = this.#processes.get(id) as Process;
    for (const record of records) {
      let tid = tracks.get(record.track);
      if (tid === undefined) {
        tid = tracks.size + 1;
        tracks.set(record.track, tid);
        lines.push(
          metadata('thread_name', pid, tid, { name: record.track }),
          metadata('thread_sort_index', pid, tid, { sort_index: trackOrder(record.track) }),
        );
      }
      lines.push(...eventsOf(record, pid, tid, toLocal));
    }
    return lines;
  }
}

function metadata(name: string, pid: number, tid: number, args: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ph: 'M', name, pid, tid, args });
}

function eventsOf(record: TraceRecord, pid: number, tid: number, toLocal: (ms: number) => number): string[] {
  const {
    track,
    name,
    args: { flowIn, flowOut, ...args },
  } = record;
  const common = { name, cat: kindOf(track), pid, tid };
  // Both ends in whole nanoseconds, and the duration from them: what lay within something else still does.
  const start = Math.round(toLocal(record.startMs) * 1e6);
  if (record.endMs === null) return [JSON.stringify({ ph: 'i', s: 't', ...common, ts: start / 1e3, args })];
  const end = Math.round(toLocal(record.endMs) * 1e6);
  const lines = [JSON.stringify({ ph: 'X', ...common, ts: start / 1e3, dur: (end - start) / 1e3, args })];
  const flow = { name: 'gradient', cat: 'flow', pid, tid };
  // An arrow is bound to the span that holds its time: not the end itself, which may belong to the next one.
  const last = Math.max(start, end - 1);
  if (flowOut !== undefined) lines.push(JSON.stringify({ ph: 's', id: String(flowOut), ...flow, ts: last / 1e3 }));
  if (flowIn !== undefined)
    lines.push(JSON.stringify({ ph: 'f', bp: 'e', id: String(flowIn), ...flow, ts: start / 1e3 }));
  return lines;
}

/** `compute` for `compute 3`. */
function kindOf(track: string): string {
  return TRACK_ORDER.find((kind) => track === kind || track.startsWith(`${kind} `)) ?? 'other';
}

function trackOrder(track: string): number {
  const kind = TRACK_ORDER.indexOf(kindOf(track));
  const number = Number(/\d+$/.exec(track)?.[0] ?? 0);
  return (kind < 0 ? TRACK_ORDER.length : kind) * SPACING + (number % SPACING);
}
