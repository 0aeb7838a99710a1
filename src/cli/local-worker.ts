/** A worker within the coordinator's process: the same agent and engine, joined by calls instead of gRPC. */
import { hostname } from 'node:os';
import { stateElements } from '../../coordinator/state-layout.js';
import type { PreparedJob } from '../../coordinator/prepare.js';
import type { TrainingRun } from '../../coordinator/run.js';
import { Agent } from '../../worker/agent.js';
import { Engine, engineElements } from '../../worker/engine.js';
import { Arena, MAX_ARENA_BYTES, RESERVED_BYTES } from '../kernels/arena.js';
import { LocalConnection } from '../protocol/local-link.js';

/** Memory for a coordinator and a worker of one process; undefined when both do not fit the addresses of one. */
export function sharedArena({ job, model, data }: PreparedJob): Arena | undefined {
  const elements = stateElements(job, model) + engineElements({ job, model, data, threads: job.cluster.threads });
  return elements * 4 + RESERVED_BYTES > MAX_ARENA_BYTES ? undefined : Arena.create(elements);
}

export function startLocalWorker(
  run: TrainingRun,
  prepared: PreparedJob,
  arena: Arena | undefined,
): { close(): Promise<void> } {
  const { job, model, data, backend, version } = prepared;
  const threads = job.cluster.threads;
  const link = new LocalConnection('worker-1');
  const agent = new Agent({
    link: link.coordinator,
    startEngine: async ({ mean, inverseDeviation }, tracer) => {
      const shared = arena === undefined ? undefined : { arena, vectors: run.modelVectors };
      const engine = await Engine.start({ job, model, data, backend, threads, tracer, shared });
      engine.normalizeBy(mean, inverseDeviation);
      return engine;
    },
    observer: { ready: () => undefined, stepDone: () => undefined },
  });
  const hello = {
    type: 'hello',
    version,
    backend,
    threads,
    address: 'local',
    host: hostname(),
    pid: process.pid,
  } as const;
  link.connect(agent, {
    message: (message) => events?.message(message),
    piece: (piece) => events?.piece(piece),
    lost: (reason) => events?.lost(reason),
  });
  const events = run.hello(hello, link);
  return {
    async close() {
      link.close();
      await agent.close();
    },
  };
}
