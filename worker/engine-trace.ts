/** Turns what the compute threads recorded of a pass into spans, one track per thread. */
import type { TraceArgs, Tracer } from '../src/common/trace.js';
import type { Program } from '../src/nn/program.js';
import { segmentNames } from './segment-names.js';
import { ThreadTrace, WAITING } from './thread-trace.js';

export class EngineTrace {
  readonly #tracer: Tracer;
  readonly #names: readonly (readonly string[])[];
  readonly #threads: ThreadTrace;
  #args: TraceArgs = {};

  constructor(tracer: Tracer, program: Program, threads: number) {
    this.#tracer = tracer;
    this.#names = segmentNames(program);
    this.#threads = new ThreadTrace(threads);
  }

  /** What the compute threads are to record in. */
  get buffer(): SharedArrayBuffer {
    return this.#threads.buffer;
  }

  /** Before the first segment of a pass. @param args What its spans say of themselves. */
  begin(args: TraceArgs): void {
    // What an attempt that was called off has left.
    this.end();
    this.#args = args;
    this.#threads.enable(this.#tracer.enabled);
  }

  /** After its last segment. */
  end(): void {
    this.#threads.drain(({ thread, segment, group, startMs, endMs }) => {
      const name = group === WAITING ? 'exchange wait' : (this.#names[segment]?.[group] ?? 'compute');
      this.#tracer.span(`compute ${thread}`, name, startMs, endMs, this.#args);
    });
  }
}
