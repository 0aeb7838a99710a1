import { z } from 'zod';
import { milliseconds, whole } from './forms.js';

export const clusterSchema = z.strictObject({
  workers: whole(1)
    .default(1)
    .describe(
      'Worker processes that `lockstep train` starts, and that `lockstep coordinator` waits for before the first step.',
    ),
  threads: whole(1).default(1).describe('Compute threads per worker.'),
  collective: z
    .enum(['auto', 'local', 'star'])
    .default('auto')
    .describe(
      'How gradients meet. local: in one process, with one worker only; star: at the coordinator, over gRPC; auto: the one that fits.',
    ),
  joinTimeoutMs: milliseconds()
    .default(120_000)
    .describe(
      'How long to wait for the workers at the start, and for any worker after the last one was lost, in milliseconds.',
    ),
  heartbeatTimeoutMs: milliseconds()
    .default(10_000)
    .describe('Silence of a worker after which it is given up, in milliseconds.'),
});
