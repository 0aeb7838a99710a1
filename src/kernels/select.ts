import { LockstepError } from '../common/errors.js';
import type { BackendName, KernelFactory } from './kernels.js';
import { systemBlas } from './openblas/library.js';
import { createOpenBlasKernels } from './openblas/openblas-kernels.js';
import { createReferenceKernels } from './reference/reference-kernels.js';
import { createWasmKernels } from './wasm/wasm-kernels.js';

/** What a user may ask for. `auto`: openblas where the library loads, else wasm. */
export type BackendChoice = 'auto' | 'wasm' | 'openblas' | 'reference';

export interface BackendSelection {
  readonly backend: BackendName;
  /** Why this one, in one line, for logs and the run record. */
  readonly reason: string;
}

export const OPENBLAS_INSTALL_HINT =
  'install OpenBLAS (Debian, Ubuntu: apt-get install libopenblas0-pthread; Fedora: dnf install openblas-threads; ' +
  'macOS has Accelerate built in) or name the library file in LOCKSTEP_OPENBLAS';

/** @throws LockstepError (job) when openblas is asked for by name and cannot be used. */
export function selectBackend(choice: BackendChoice): BackendSelection {
  if (choice === 'wasm' || choice === 'reference') return { backend: choice, reason: 'asked for' };
  const lookup = systemBlas();
  if (lookup.library !== null) return { backend: 'openblas', reason: `uses ${lookup.library.description}` };
  if (choice === 'auto') return { backend: 'wasm', reason: lookup.reason };
  throw new LockstepError('job', `the openblas backend is not available: ${lookup.reason}`, {
    hint: `${OPENBLAS_INSTALL_HINT}; or use --backend wasm`,
  });
}

export function kernelFactory(backend: BackendName): KernelFactory {
  switch (backend) {
    case 'reference':
      return createReferenceKernels;
    case 'wasm':
      return createWasmKernels;
    case 'openblas':
      return createOpenBlasKernels;
  }
}
