import type { KernelFactory } from '../kernels.js';
import { referenceActivations } from './activations.js';
import { referenceBatchNorm } from './batch-norm.js';
import { referenceColumns } from './columns.js';
import { referenceDropout } from './dropout.js';
import { referenceElementwise } from './elementwise.js';
import { referenceLosses } from './losses.js';
import { referenceOptimizers } from './optimizers.js';
import { referenceProducts } from './products.js';
import { referenceWireFormats } from './wire-formats.js';

/**
 * The contract written down as directly as it can be: one loop per formula, every intermediate in float64, rounded to
 * the precision of the arena where it is stored. Works on float32 and float64 arenas; with float64 it is what the
 * gradient checks run on. Much too slow to train with. Needs no scratch space.
 */
export const createReferenceKernels: KernelFactory = (arena) => ({
  backend: 'reference',
  arena,
  ...referenceProducts(arena),
  ...referenceElementwise(arena),
  ...referenceActivations(arena),
  ...referenceColumns(arena),
  ...referenceBatchNorm(arena),
  ...referenceLosses(arena),
  ...referenceOptimizers(arena),
  ...referenceDropout(arena),
  ...referenceWireFormats(arena),
});
