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
  /** Speed of one thread on a product of square float32 matrices of 512 rows, in 10⁹ operations per second (2·m·n·k each). */
  readonly gflops: number | null;
  /** What would make this backend available. */
  readonly howToGetFaster: string | null;
}

const SIZE = 512;
const SAMPLES = 7;
/** No further sample is started after this long; the reference has time for one. */
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
  const matrix = SIZE * SIZE;
  const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS + 3 * allocationSize(matrix));
  const kernels = kernelFactory(backend)(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
  const gflops = squareProductSpeed(kernels);
  return { backend, available: true, description, gflops, howToGetFaster: null };
}

function squareProductSpeed(kernels: Kernels): number {
  const { arena } = kernels;
  const elements = SIZE * SIZE;
  const a = arena.allocate(elements);
  const b = arena.allocate(elements);
  const c = arena.allocate(elements);
  kernels.fill(elements, 0.5, a);
  kernels.fill(elements, 0.25, b);
  // Warm up on a part: the compiler and the caches settle, and the slow reference does not lose its time here.
  const part = SIZE / 8;
  kernels.gemm(false, false, part, SIZE, part, a, SIZE, b, SIZE, false, c, SIZE);

  const seconds: number[] = [];
  const begin = performance.now();
  do {
    const start = performance.now();
    kernels.gemm(false, false, SIZE, SIZE, SIZE, a, SIZE, b, SIZE, false, c, SIZE);
    seconds.push((performance.now() - start) / 1000);
  } while (seconds.length < SAMPLES && performance.now() - begin < BUDGET_MS);
  seconds.sort((x, y) => x - y);
  const median = seconds[Math.floor(seconds.length / 2)] ?? NaN;
  return (2 * SIZE ** 3) / median / 1e9;
}
