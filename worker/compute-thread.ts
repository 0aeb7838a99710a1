/** Entry of a compute thread: sleeps until segments are called, runs its share, reports done. */
import { parentPort, workerData } from 'node:worker_threads';
import { Arena, type Offset } from '../src/kernels/arena.js';
import { inheritKernels, type KernelInheritance } from '../src/kernels/inheritance.js';
import type { BackendName } from '../src/kernels/kernels.js';
import { kernelFactory } from '../src/kernels/select.js';
import type { Shape } from '../src/common/shape.js';
import type { ModelSpec } from '../src/job/job.js';
import { buildModel } from '../src/nn/model.js';
import { Control } from './control.js';
import { openBoardOf, type ExchangeBoard } from './exchange-board.js';
import { layOut, type FeatureTypes, type LayoutOptions } from './layout.js';
import { SegmentRunner } from './segment-runner.js';
import { ThreadTrace } from './thread-trace.js';

export interface ThreadData {
  readonly thread: number;
  readonly backend: BackendName;
  readonly kernels: KernelInheritance;
  readonly memory: WebAssembly.Memory;
  /** Where the worker's part of the memory begins. */
  readonly base: Offset;
  readonly control: SharedArrayBuffer;
  /** Where to record what ran when; null when nobody wants to know. */
  readonly trace: SharedArrayBuffer | null;
  readonly model: ModelSpec;
  readonly inputShape: Shape;
  readonly layout: Omit<LayoutOptions, 'model'>;
  readonly types: FeatureTypes;
}

function main(data: ThreadData): void {
  inheritKernels(data.kernels);
  const arena = Arena.attach(data.memory, data.base);
  const options = { ...data.layout, model: buildModel(data.model, data.inputShape) };
  const control = new Control(data.control);
  const create = kernelFactory(data.backend);
  const samples = { types: data.types, pass: control.pass };
  const layout = layOut(options, data.thread, arena, (scratch) => create(arena, scratch), samples);
  const trace = data.trace === null ? null : new ThreadTrace(options.threads, data.trace);
  const openBoard = (): ExchangeBoard => openBoardOf(layout, arena, options.shards);
  const runner = new SegmentRunner(layout.program, control, data.thread, options.threads, { arena, trace, openBoard });
  parentPort?.postMessage('ready');
  let seen = 0;
  for (let call = control.next(seen); call !== null; call = control.next(seen)) {
    seen = call.sequence;
    runner.run(call, control.pass.read(layout));
    control.done();
  }
}

main(workerData as ThreadData);
