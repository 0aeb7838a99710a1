import { LockstepError } from '../../common/errors.js';
import type { KernelFactory, Kernels } from '../kernels.js';
import { bindWasm } from '../wasm/wasm-kernels.js';
import { NO_TRANS, ROW_MAJOR, TRANS } from './cblas.js';
import { systemBlas } from './library.js';
import { ProductProbe } from './probe.js';
import { TreeProducts } from './tree-products.js';

/** One per thread, so that every kernels instance of a thread shares what was probed. */
let probe: ProductProbe | undefined;

/**
 * The WASM kernels with their products computed by the system's BLAS, in place on the same memory.
 *
 * @throws LockstepError (job) where the library cannot be used; `selectBackend` tells beforehand.
 */
export const createOpenBlasKernels: KernelFactory = (arena, scratch) => {
  const lookup = systemBlas();
  if (lookup.library === null) {
    throw new LockstepError('job', `the openblas backend is not available: ${lookup.reason}`);
  }
  if (arena.precision !== 'float32') {
    throw new LockstepError('internal', `the openblas backend computes in float32, not on a ${arena.precision} arena`);
  }
  const { sgemm, addressOf } = lookup.library;
  const products = (probe ??= new ProductProbe(lookup.library));
  // The arena cannot grow, so it never moves. An address as a number costs nothing to make, unlike a view per operand.
  const start = addressOf(arena.floats);

  const gemm: Kernels['gemm'] = (transA, transB, m, n, k, a, lda, b, ldb, accumulate, c, ldc) =>
    sgemm(
      ROW_MAJOR,
      transA ? TRANS : NO_TRANS,
      transB ? TRANS : NO_TRANS,
      m,
      n,
      k,
      1,
      start + 4 * a,
      lda,
      start + 4 * b,
      ldb,
      accumulate ? 1 : 0,
      start + 4 * c,
      ldc,
    );
  const accumulationIsExact: Kernels['accumulationIsExact'] = (shape) => products.accumulationIsExact(shape);
  const { kernels, wasm } = bindWasm(arena, scratch);
  const { smallProduct } = lookup.library;
  const { gemmTree } = new TreeProducts({ gemm, accumulationIsExact, wasm, smallProduct, buffer: scratch });

  return {
    ...kernels,
    backend: 'openblas',
    gemm,
    gemmTree,
    accumulationIsExact,
    rowsShareProduct: (shape, count) => products.rowsShareProduct(shape, count),
  };
};
