import { Arena, allocationSize } from './arena.js';
import type { BackendName, Kernels } from './kernels.js';
import { KERNEL_SCRATCH_ELEMENTS } from './kernels.js';
import { systemBlas } from './openblas/library.js';
import { OPENBLAS_INSTALL_HINT, kernelFactory } from './select.js';

export interface BackendMeasurement {
  readonly backend: BackendName;
  readonly available: boolean;
  /** What does the work; where it is not available, why not. */
  readonly description: string;
  /** Speed of one thread on a product of square float32 matrices, in 10⁹ operations per second (2·m·n·k each). */
  readonly gflops: number | null;
  /** What would make this backend available. */
  readonly howToGetFaster: string | null;
}

/** Rows of the matrices: as in a layer of ordinary width, and as the reference gets done in milliseconds. */
const SIZES: Readonly<Record<BackendName, number>> = { openblas: 512, wasm: 512, reference: 96 };
const SAMPLES = 7;
/** No further sample is started after this long. */
const BUDGET_MS = 250;

/** How fast each backend is on this machine, fastest kind first. Takes less than half a second per backend. */
export function measureBackends(): BackendMeasurement[] {
  const lookup = systemBlas();
  const openblas: BackendMeasurement =
    lookup.library === null
      ? {
          backend: 'openblas',
          available: false,
          description: lookup.reason,
          gflops: null,
          howToGetFaster: OPENBLAS_INSTALL_HINT,
        }
      : measured('openblas', lookup.library.description);
  return [
    openblas,
    measured('wasm', 'WebAssembly SIMD, nothing to install'),
    measured('reference', 'plain TypeScript, for checks only'),
  ];
}

function measured(backend: BackendName, description: string): BackendMeasurement {
  const size = SIZES[backend];
  const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS + 3 * allocationSize(size * size));
  const kernels = kernelFactory(backend)(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
  return { backend, available: true, description, gflops: productSpeed(kernels, size), howToGetFaster: null };
}

function productSpeed(kernels: Kernels, size: number): number {
  const { arena } = kernels;
  const elements = size * size;
  const a = arena.allocate(elements);
  const b = arena.allocate(elements);
  const c = arena.allocate(elements);
  kernels.fill(elements, 0.5, a);
  kernels.fill(elements, 0.25, b);
  const multiply = (): void => kernels.gemm(false, false, size, size, size, a, size, b, size, false, c, size);
  multiply(); // the first call pays for compilation and for fresh memory

  const seconds: number[] = [];
  const begin = performance.now();
  do {
    const start = performance.now();
    multiply();
    seconds.push((performance.now() - start) / 1000);
  } while (seconds.length < SAMPLES && performance.now() - begin < BUDGET_MS);
  seconds.sort((x, y) => x - y);
  const median = seconds[Math.floor(seconds.length / 2)] ?? NaN;
  return (2 * size ** 3) / median / 1e9;
}
