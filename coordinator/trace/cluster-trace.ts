/**
 * The trace of a run: what the coordinator and its workers recorded, on one time line. Workers send what they did after each
 * step, by their own clocks; how far these are off is asked for every few seconds, on the stream that carries everything else.
 */
import type { LockstepError } from '../../src/common/errors.js';
import type { StepTracer, TraceRange, TraceRecord, Tracer } from '../../src/common/trace.js';
import { ChromeEvents } from '../../src/observe/trace/chrome-events.js';
import { ClockMap } from '../../src/observe/trace/clock-map.js';
import { bestEstimate, estimateOffset, type ClockEstimate } from '../../src/observe/trace/clock-offset.js';
import { SpanRecorder } from '../../src/observe/trace/span-recorder.js';
import type { WorkerLink } from '../../src/protocol/link.js';
import type { ClockPong, Hello, WorkerMessage } from '../../src/protocol/messages.js';
import type { TraceFile } from './trace-file.js';

/** Steps traced unless others are asked for. */
export const DEFAULT_TRACE_STEPS = 200;

/** Questions to a worker's clock before its first step, and later: the quickest answer counts. */
const FIRST_ROUNDS = 8;
const LATER_ROUNDS = 4;
const ROUNDS_EVERY_MS = 2_000;
/** Answers that are kept to choose from: about a quarter of a minute. */
const MAX_ESTIMATES = 32;

const COORDINATOR = 'coordinator';

export interface TraceSummary {
  readonly path: string;
  readonly events: number;
  /** Steps [firstStep, endStep), from 0, that the file holds; null when there are none, and no file. */
  readonly steps: TraceRange | null;
  /** Whether steps after those were not recorded. */
  readonly cut: boolean;
  /** Spans lost for want of room. */
  readonly dropped: number;
  /** Why there is no file. */
  readonly failure: LockstepError | null;
}

interface RemoteClock {
  readonly link: Pick<WorkerLink, 'send'>;
  estimates: readonly ClockEstimate[];
  /** null until times of this worker have been mapped. */
  map: ClockMap | null;
  /** Questions still to be asked in a row. */
  rounds: number;
}

export class ClusterTrace implements StepTracer {
  /** Steps that are recorded. */
  readonly range: TraceRange;
  readonly #file: TraceFile;
  readonly #recorder: SpanRecorder;
  readonly #events = new ChromeEvents();
  readonly #workers = new Map<string, RemoteClock>();
  readonly #timer: NodeJS.Timeout;
  /** Steps begun in the range: [first, end), and whether others came after it. */
  #begun: TraceRange | null = null;
  #cut = false;
  #dropped = 0;

  constructor(file: TraceFile, range: TraceRange) {
    this.#file = file;
    this.range = range;
    this.#recorder = new SpanRecorder(range);
    file.append(this.#events.process(COORDINATOR, COORDINATOR));
    this.#timer = setInterval(() => {
      for (const clock of this.#workers.values()) this.#ask(clock, LATER_ROUNDS);
      this.#flush();
    }, ROUNDS_EVERY_MS);
    this.#timer.unref();
  }

  // ── the coordinator's own spans ────────────────────────────────────────────────────────────────────────────────────

  get enabled(): boolean {
    return this.#recorder.enabled;
  }

  span: Tracer['span'] = (...span) => this.#recorder.span(...span);

  instant: Tracer['instant'] = (...instant) => this.#recorder.instant(...instant);

  begin(step: number): void {
    this.#recorder.begin(step);
    if (step >= this.range.endStep) this.#cut = true;
    if (this.#recorder.enabled) this.#begun = { firstStep: this.#begun?.firstStep ?? step, endStep: step + 1 };
    this.#flush();
  }

  // ── the workers' ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** A worker was welcomed, with the {@link range}. */
  join(link: Pick<WorkerLink, 'id' | 'send'>, { host, pid }: Pick<Hello, 'host' | 'pid'>): void {
    this.#workers.set(link.id, { link, estimates: [], map: null, rounds: 0 });
    this.#file.append(this.#events.process(link.id, `${link.id} (process ${pid} on ${host})`));
  }

  /** Sees every message of a worker before anyone else; true for one that is meant for the trace alone. */
  message(id: string, message: WorkerMessage): boolean {
    const worker = this.#workers.get(id);
    if (worker === undefined) return false;
    switch (message.type) {
      case 'ready':
        // Before its first plan, so that the first answer is here before its first spans. While it was loading, answers were slow.
        this.#ask(worker, FIRST_ROUNDS);
        return false;
      case 'clockPong':
        this.#answered(worker, message);
        return true;
      case 'traceSpans':
        this.#dropped += message.dropped;
        this.#add(id, worker, message.records);
        return true;
      default:
        return false;
    }
  }

  lost(id: string): void {
    this.#workers.delete(id);
  }

  /** Completes the file. */
  finish(): TraceSummary {
    clearInterval(this.#timer);
    this.#flush();
    if (this.#begun === null) this.#file.discard();
    else this.#file.finish();
    return {
      path: this.#file.path,
      events: this.#file.events,
      steps: this.#begun,
      cut: this.#cut,
      dropped: this.#dropped + this.#recorder.takeDropped(),
      failure: this.#file.failure,
    };
  }

  #flush(): void {
    this.#file.append(this.#events.lines(COORDINATOR, this.#recorder.drain(), (ms) => ms));
  }

  #add(id: string, clock: RemoteClock, records: readonly TraceRecord[]): void {
    const best = bestEstimate(clock.estimates, performance.now());
    if (best === null) {
      this.#dropped += records.length;
      return;
    }
    const map = (clock.map ??= new ClockMap(best.offsetMs));
    this.#file.append(this.#events.lines(id, records, (ms) => map.toLocal(ms)));
    this.#flush();
  }

  #ask(clock: RemoteClock, rounds: number): void {
    clock.rounds = rounds - 1;
    clock.link.send({ type: 'clockPing', sentMs: performance.now() });
  }

  #answered(clock: RemoteClock, pong: ClockPong): void {
    const receivedMs = performance.now();
    clock.estimates = [...clock.estimates, estimateOffset({ ...pong, receivedMs })].slice(-MAX_ESTIMATES);
    const best = bestEstimate(clock.estimates, receivedMs);
    if (best !== null) clock.map?.correct(best.offsetMs);
    if (clock.rounds > 0) this.#ask(clock, clock.rounds);
  }
}
