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
    .enum(['auto', 'local', 'star', 'mesh'])
    .default('auto')
    .describe(
      'How gradients meet. local: in one process, with one worker only; star: at the coordinator; mesh: among the workers, each of which sums its share; auto: the one that fits.',
    ),
  transport: z
    .enum(['auto', 'grpc', 'shm'])
    .default('auto')
    .describe(
      'What carries gradients and weights. shm: memory shared by processes of one host (Linux); grpc: the network; auto: shared memory where it works, else gRPC.',
    ),
  bucketBytes: whole(4096)
    .nullable()
    .default(null)
    .describe(
      'Bytes of a bucket of gradients, the unit in which they are shipped and summed. null: found by trying at the start of a run.',
    ),
  connections: whole(1)
    .max(16)
    .default(1)
    .describe('gRPC connections for gradients and weights between two processes, where one cannot fill the link.'),
  joinTimeoutMs: milliseconds()
    .default(120_000)
    .describe(
      'How long to wait for the workers at the start, and for any worker after the last one was lost, in milliseconds.',
    ),
  heartbeatTimeoutMs: milliseconds()
    .default(10_000)
    .describe('Silence of a worker after which it is given up, in milliseconds.'),
});
