/**
 * What a thread has compiled and found out for its kernels, for other threads and processes of the host to begin with instead of
 * doing it again.
 */
import { examinedBlas, trustBlas } from './openblas/library.js';
import { adoptWasm, compiledWasm } from './wasm/module.js';

/** As plain data: for another process. */
export interface KernelFindings {
  /** The file of a BLAS library that has been examined; null: none has. */
  readonly blas: string | null;
}

/** For `workerData` and `postMessage`. */
export interface KernelInheritance extends KernelFindings {
  readonly module: WebAssembly.Module | null;
}

/** What this thread knows by now. */
export function kernelFindings(): KernelFindings {
  return { blas: examinedBlas() };
}

/** What this thread passes on to threads of its process. */
export function kernelInheritance(): KernelInheritance {
  return { ...kernelFindings(), module: compiledWasm() };
}

/** Begins with what another has found out; to be called before the first kernels are made or a backend is selected. */
export function inheritFindings({ blas }: KernelFindings): void {
  if (blas !== null) trustBlas(blas);
}

/** `inheritFindings` for a thread of the same process. */
export function inheritKernels(inheritance: KernelInheritance): void {
  inheritFindings(inheritance);
  if (inheritance.module !== null) adoptWasm(inheritance.module);
}
