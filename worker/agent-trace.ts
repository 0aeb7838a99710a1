/** A worker's part in the trace of a run: records what it does, answers about its clock, sends what it recorded. */
import { NO_TRACER, type StepTracer, type TraceRange } from '../src/common/trace.js';
import { SpanRecorder } from '../src/observe/trace/span-recorder.js';
import type { CoordinatorLink } from '../src/protocol/link.js';
import type { ClockPing } from '../src/protocol/messages.js';

export class AgentTrace {
  readonly #link: Pick<CoordinatorLink, 'send'>;
  #recorder: SpanRecorder | null = null;

  constructor(link: Pick<CoordinatorLink, 'send'>) {
    this.#link = link;
  }

  /** Starts to record, if the run is traced. */
  welcome(range: TraceRange | undefined): void {
    if (range !== undefined) this.#recorder = new SpanRecorder(range);
  }

  get tracer(): StepTracer {
    return this.#recorder ?? NO_TRACER;
  }

  /** Says what this process's clock shows. */
  answer({ sentMs }: ClockPing): void {
    const remoteReceivedMs = performance.now();
    this.#link.send({ type: 'clockPong', sentMs, remoteReceivedMs, remoteSentMs: performance.now() });
  }

  /** Sends what was recorded since the last time. */
  flush(): void {
    if (this.#recorder === null) return;
    const records = this.#recorder.drain();
    const dropped = this.#recorder.takeDropped();
    if (records.length + dropped > 0) this.#link.send({ type: 'traceSpans', records, dropped });
  }
}
