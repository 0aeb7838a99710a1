import type { OptimizerSpec } from '../job/job.js';
import { adam } from './adam.js';
import { gradientDescent } from './gradient-descent.js';
import { momentum } from './momentum.js';
import type { Optimizer } from './optimizer.js';
import { rmsprop } from './rmsprop.js';

/** The optimizer that a job names. Its learning rate is not part of it: see `createSchedule`. */
export function createOptimizer(spec: OptimizerSpec): Optimizer {
  switch (spec.type) {
    case 'gradientDescent':
      return gradientDescent();
    case 'momentum':
      return momentum(spec);
    case 'rmsprop':
      return rmsprop(spec);
    case 'adam':
      return adam(spec);
  }
}
