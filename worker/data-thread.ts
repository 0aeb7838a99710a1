/** Entry of a data thread: puts the batches that it is told about into slots and says when each is there. */
import { parentPort, workerData } from 'node:worker_threads';
import { openSplits, type SplitParts } from '../src/data/open.js';
import { Arena } from '../src/kernels/arena.js';
import { DirectWriter, type StagingPlan } from './direct-writer.js';
import type { Batch, SlotNumber } from './staging.js';

export interface DataThreadData {
  readonly memory: WebAssembly.Memory;
  readonly splits: SplitParts;
  readonly plan: StagingPlan;
}

export interface WriteRequest {
  readonly slot: SlotNumber;
  readonly batch: Batch;
}

/** In the order of the requests. The first reply says that the thread is ready. */
export interface WriteReply {
  /** What went wrong; null: the batch is in place. */
  readonly problem: string | null;
}

function main({ memory, splits, plan }: DataThreadData): void {
  const writer = new DirectWriter(Arena.attach(memory, 0), openSplits(splits), plan);
  const reply = (problem: string | null): void => parentPort?.postMessage({ problem } satisfies WriteReply);
  parentPort?.on('message', ({ slot, batch }: WriteRequest) => {
    try {
      writer.write(slot, batch);
      reply(null);
    } catch (thrown) {
      reply(thrown instanceof Error ? thrown.message : String(thrown));
    }
  });
  reply(null);
}

main(workerData as DataThreadData);
