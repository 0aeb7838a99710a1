/**
 * The contract of the numeric core: what a backend computes, on tensors that lie in one {@link Arena}. What each kernel computes stands in
 * src/kernels/contract.
 *
 * Shape legend
 *   rows   samples, one after another        cols   features of a sample
 *   m n k  C[m,n] = A[m,k] · B[k,n]          ld_    leading dimension: elements from one row to the next
 *
 * All matrices are row-major. Every position is an {@link Offset} in elements. Unless stated otherwise operands must not
 * overlap, except that an elementwise result may be written exactly over an input of the same size.
 *
 * Two rules make the bits independent of who computes what:
 *   1. A kernel treats rows independently of each other, or sums them in an order that depends on `rows` and `cols` alone;
 *      `gemm` alone may round a row differently when the number of rows differs, and then says so in
 *      {@link Kernels.rowsShareProduct}.
 *   2. No kernel reads a clock, a thread count or an address.
 */
import type { Arena, Offset } from './arena.js';
import type { Activations } from './contract/activations.js';
import type { BatchNorm } from './contract/batch-norm.js';
import type { Columns } from './contract/columns.js';
import type { Dropout } from './contract/dropout.js';
import type { Elementwise } from './contract/elementwise.js';
import type { Losses } from './contract/losses.js';
import type { Optimizers } from './contract/optimizers.js';
import type { Products } from './contract/products.js';
import type { Sums } from './contract/sums.js';
import type { WireFormats } from './contract/wire-formats.js';

export type BackendName = 'reference' | 'wasm' | 'openblas';

export interface Kernels
  extends Products, Elementwise, Activations, Columns, BatchNorm, Dropout, Losses, Sums, Optimizers, WireFormats {
  readonly backend: BackendName;
  readonly arena: Arena;
}

/** Elements of scratch space that every instance of a backend needs for itself (packing buffers); one instance per thread. */
export const KERNEL_SCRATCH_ELEMENTS = 1 << 20;

/** Makes the kernels of one backend for one thread. `scratch` is a block of {@link KERNEL_SCRATCH_ELEMENTS} of its own. */
export type KernelFactory = (arena: Arena, scratch: Offset) => Kernels;
