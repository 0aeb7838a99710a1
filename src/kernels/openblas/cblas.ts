/** cblas_sgemm, with matrices given by their addresses. */
export type Sgemm = (
  layout: number,
  transA: number,
  transB: number,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: number,
  lda: number,
  b: number,
  ldb: number,
  beta: number,
  c: number,
  ldc: number,
) => void;

/** Values of the CBLAS enumerations. */
export const ROW_MAJOR = 101;
export const NO_TRANS = 111;
export const TRANS = 112;

export interface BlasLibrary {
  readonly sgemm: Sgemm;
  /**
   * The address of the first element. Only for memory outside the JavaScript heap that outlives the call: a view of an
   * ArrayBuffer made on its own, or of a WebAssembly memory that cannot grow.
   */
  readonly addressOf: (view: ArrayBufferView) => number;
  /** m·n·k up to which the library multiplies without packing its operands first; 0 where it always packs. */
  readonly smallProduct: number;
  /** Product, version, the CPU its kernels are written for, file: `OpenBLAS 0.3.21 (SkylakeX), libopenblas.so.0`. */
  readonly description: string;
}
