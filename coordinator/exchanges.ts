import { Arena } from '../src/kernels/arena.js';
import { createReferenceKernels } from '../src/kernels/reference/reference-kernels.js';
import { perRow, type Exchange } from '../src/nn/layer.js';
import { losses } from '../src/nn/losses/index.js';
import { compileProgram } from '../src/nn/program.js';
import type { PreparedJob } from './prepare.js';

/** The exchanges of a job's training pass, as its workers will announce them. Reserves no memory. */
export function trainingExchanges({ job, model }: Pick<PreparedJob, 'job' | 'model'>): readonly Exchange[] {
  const { exchanges } = compileProgram(model, losses[job.training.loss], {
    kernels: createReferenceKernels(Arena.create(0), 0),
    allocator: { allocate: () => 0 },
    seed: job.seed,
    maxRows: 1,
    maxShards: 1,
    treeScratch: 0,
    gradientFormat: 'float32',
    load: () => perRow(() => undefined),
  });
  return exchanges;
}
