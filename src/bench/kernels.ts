/** `lockstep bench kernels`: every kernel against its limit, which is measured by turns with it. */
import { Arena, allocationSize } from '../kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS, type BackendName } from '../kernels/kernels.js';
import type { BlasLibrary } from '../kernels/openblas/cblas.js';
import { systemBlas } from '../kernels/openblas/library.js';
import { createWasmKernels } from '../kernels/wasm/wasm-kernels.js';
import { gigabytesPerSecond } from './bandwidth.js';
import { BLOCKS, memoryCases, type Operands } from './kernels/memory-cases.js';
import {
  PRODUCTS,
  filled,
  layerProducts,
  plainProducts,
  productOperations,
  type LayerShape,
  type ProductName,
} from './kernels/product-cases.js';
import { timeCalls, type SampleOptions } from './kernels/timing.js';
import { Report, figure, shownBytes, type BenchFlags } from './report.js';
import { median, medianRatio, summarize, type Summary } from './statistics.js';

/** Layers of the reference job and the wide one of the large job. */
const LAYERS: readonly LayerShape[] = [
  { inputs: 784, units: 512, batch: 256, shards: 8 },
  { inputs: 512, units: 256, batch: 256, shards: 8 },
  { inputs: 256, units: 10, batch: 256, shards: 8 },
  { inputs: 2048, units: 2048, batch: 256, shards: 8 },
];
const QUICK_LAYERS = LAYERS.slice(1, 3);

/** The activations of a layer of the reference job, which fit a core's cache, and the weights of the large job, which don't. */
const TENSORS = [
  { rows: 256, cols: 512 },
  { rows: 2048, cols: 2048 },
] as const;
const QUICK_TENSORS = TENSORS.slice(0, 1);

interface ProductResult extends LayerShape {
  readonly product: ProductName;
  /** One cblas_sgemm over the whole batch; null where there is no BLAS. */
  readonly limit: Summary | null;
  readonly limitGflops: number | null;
  readonly backends: Readonly<Partial<Record<BackendName, Measured>>>;
}

interface Measured {
  readonly ms: Summary;
  /** 10⁹ operations per second, of the median. */
  readonly gflops: number;
  /** Share of the limit's speed. */
  readonly share: number | null;
}

interface MemoryResult {
  readonly kernel: string;
  readonly rows: number;
  readonly cols: number;
  /** Read and written by one call. */
  readonly bytes: number;
  readonly ms: Summary;
  /** Of the median. */
  readonly gigabytesPerSecond: number;
  /** Copies that read half of these bytes and write the other: the `copy` kernel, and Uint8Array.set. */
  readonly copyGigabytesPerSecond: number;
  readonly setGigabytesPerSecond: number;
  /** Share of the faster copy's speed. */
  readonly share: number;
}

export async function benchKernels(flags: BenchFlags): Promise<void> {
  const report = new Report('kernels', flags);
  const quick = flags.quick === true;
  const options = quick ? { rounds: 3, budgetMs: 100, warmUpMs: 2 } : { rounds: 15, budgetMs: 1_000, warmUpMs: 25 };
  const lookup = systemBlas();
  if (lookup.library === null) report.skip(`products of OpenBLAS, which are the limit of all others: ${lookup.reason}`);
  const products: ProductResult[] = [];
  for (const layer of quick ? QUICK_LAYERS : LAYERS) {
    report.progress(`products ${layer.inputs} → ${layer.units}`);
    products.push(...(await measureProducts(layer, lookup.library, options)));
  }
  printProducts(report, products);
  const memory: MemoryResult[] = [];
  for (const tensor of quick ? QUICK_TENSORS : TENSORS) memory.push(...(await measureMemory(report, tensor, options)));
  printMemory(report, memory);
  report.finish({ products, memory });
}

async function measureProducts(
  layer: LayerShape,
  library: BlasLibrary | null,
  options: SampleOptions,
): Promise<ProductResult[]> {
  const limit = library === null ? null : plainProducts(library, layer);
  const backends: readonly BackendName[] = library === null ? ['wasm'] : ['openblas', 'wasm'];
  const ours = backends.map((backend) => ({ backend, products: layerProducts(backend, layer) }));
  const operations = productOperations(layer);
  const speed = (times: readonly number[]): number => operations / median(times) / 1e6;
  const results: ProductResult[] = [];
  for (const product of PRODUCTS) {
    const calls = [...ours.map(({ products }) => products[product]), ...(limit === null ? [] : [limit[product]])];
    const times = await timeCalls(calls, options);
    const limitTimes = limit === null ? null : (times.at(-1) ?? []);
    const measured = ours.map(({ backend }, index): [BackendName, Measured] => {
      const own = times[index] ?? [];
      const share = limitTimes === null ? null : medianRatio(limitTimes, own);
      return [backend, { ms: summarize(own), gflops: speed(own), share }];
    });
    results.push({
      ...layer,
      product,
      limit: limitTimes === null ? null : summarize(limitTimes),
      limitGflops: limitTimes === null ? null : speed(limitTimes),
      backends: Object.fromEntries(measured),
    });
  }
  return results;
}

async function measureMemory(
  report: Report,
  { rows, cols }: Pick<Operands, 'rows' | 'cols'>,
  options: SampleOptions,
): Promise<MemoryResult[]> {
  const n = rows * cols;
  // Two more for a copy of the bytes of the kernel with the most operands.
  const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS + (BLOCKS + 2) * allocationSize(n));
  const kernels = createWasmKernels(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
  const blocks = Array.from({ length: BLOCKS + 2 }, () => filled(arena, n));
  const [first = 0] = blocks;
  const operands = { rows, cols, n, blocks };
  const results: MemoryResult[] = [];
  for (const [kernel, memoryCase] of Object.entries(memoryCases)) {
    report.progress(`${kernel}, ${rows}×${cols}`);
    const bytes = memoryCase.bytesPerElement * n;
    const half = Math.ceil(bytes / 8);
    const second = first + Math.ceil(half / 16) * 16;
    const contenders = [
      () => memoryCase.run(kernels, operands),
      () => kernels.copy(half, first, second),
      () => arena.bytes.set(arena.bytes.subarray(first * 4, (first + half) * 4), second * 4),
    ];
    const [own = [], copy = [], set = []] = await timeCalls(contenders, options);
    const faster = median(copy) < median(set) ? copy : set;
    results.push({
      kernel,
      rows,
      cols,
      bytes,
      ms: summarize(own),
      gigabytesPerSecond: gigabytesPerSecond(bytes, median(own)),
      copyGigabytesPerSecond: gigabytesPerSecond(bytes, median(copy)),
      setGigabytesPerSecond: gigabytesPerSecond(bytes, median(set)),
      share: medianRatio(faster, own),
    });
    // What optimizers and sums in place have done to the numbers must not slow down the next one.
    for (const block of blocks) arena.view(block, n).fill(0.25);
  }
  return results;
}

function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? '–' : `${(share * 100).toFixed(0)}%`;
}

function printProducts(report: Report, results: readonly ProductResult[]): void {
  report.table(
    'Products of a step, batch 256 in 8 logical shards, one thread, GFLOP/s (medians); limit: one cblas_sgemm over the whole batch',
    ['', 'limit', 'openblas', 'of limit', 'wasm', 'of limit'],
    results.map(({ inputs, units, product, limitGflops, backends: { openblas, wasm } }) => [
      `${inputs} → ${units} ${product}`,
      figure(limitGflops, 1),
      figure(openblas?.gflops, 1),
      percent(openblas?.share),
      figure(wasm?.gflops, 1),
      percent(wasm?.share),
    ]),
  );
}

function printMemory(report: Report, results: readonly MemoryResult[]): void {
  report.table(
    'Other kernels, one thread, GB/s read and written (medians); limit: the faster of two copies of as many bytes',
    ['', 'operands', 'GB/s', 'copy kernel', 'Uint8Array.set', 'of limit'],
    results.map((result) => [
      result.kernel,
      `${result.rows}×${result.cols}, ${shownBytes(result.bytes)}`,
      figure(result.gigabytesPerSecond, 1),
      figure(result.copyGigabytesPerSecond, 1),
      figure(result.setGigabytesPerSecond, 1),
      percent(result.share),
    ]),
  );
}
