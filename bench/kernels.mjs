/**
 * How fast the products of each backend are, in GFLOP/s of one thread (2·m·n·k operations each): square ones, and those
 * of the reference job 784-512-256-10 at batch 256. Beside OpenBLAS as Lockstep calls it stands a bare loop over
 * cblas_sgemm, and the two take turns, so that whatever else the machine does meets both.
 *
 *   npm run build && node bench/kernels.mjs [--json FILE]
 */
import console from 'node:console';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { parseArgs } from 'node:util';
import koffi from 'koffi';
import { Arena } from '../dist/src/kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS } from '../dist/src/kernels/kernels.js';
import { candidateLibraries } from '../dist/src/kernels/openblas/candidates.js';
import { kernelFactory } from '../dist/src/kernels/select.js';
import { backends, figure, introduce, median, table, writeJson } from './report.mjs';

const SHAPES = [
  { name: 'square 256', m: 256, n: 256, k: 256, transA: false, transB: false },
  { name: 'square 512', m: 512, n: 512, k: 512, transA: false, transB: false },
  { name: 'square 1024', m: 1024, n: 1024, k: 1024, transA: false, transB: false },
  { name: 'forward 784→512', m: 256, n: 512, k: 784, transA: false, transB: true },
  { name: 'forward 512→256', m: 256, n: 256, k: 512, transA: false, transB: true },
  { name: 'input gradient 256→512', m: 256, n: 512, k: 256, transA: false, transB: false },
  { name: 'weight gradient tile, 32 rows', m: 512, n: 512, k: 32, transA: true, transB: false },
  { name: 'weight gradient tile, 256 rows', m: 512, n: 512, k: 256, transA: true, transB: false },
];
/** The reference is measured on this alone. */
const SMALL = { name: 'square 96', m: 96, n: 96, k: 96, transA: false, transB: false };

const ROUNDS = 41;
const ROUNDS_BUDGET_MS = 2500;
/** A sample repeats the product until it takes about this long, so that the clock's resolution does not matter. */
const SAMPLE_MS = 3;

/** One product of this shape by a backend, on an arena of its own. */
function backendProduct(backend, { m, n, k, transA, transB }) {
  const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS + m * k + k * n + m * n + 64);
  const kernels = kernelFactory(backend)(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
  const [a, b, c] = [m * k, k * n, m * n].map((elements) => arena.allocate(elements));
  fill(arena.view(a, m * k));
  fill(arena.view(b, k * n));
  const [lda, ldb] = [transA ? m : k, transB ? k : n];
  return () => kernels.gemm(transA, transB, m, n, k, a, lda, b, ldb, false, c, n);
}

/** The same by cblas_sgemm and nothing else. */
function directProduct(sgemm, { m, n, k, transA, transB }) {
  const [a, b, c] = [m * k, k * n, m * n].map((elements) => new Float32Array(elements));
  fill(a);
  fill(b);
  const [lda, ldb] = [transA ? m : k, transB ? k : n];
  return () => sgemm(101, transA ? 112 : 111, transB ? 112 : 111, m, n, k, 1, a, lda, b, ldb, 0, c, n);
}

function fill(values) {
  for (let i = 0; i < values.length; i++) values[i] = ((i * 2654435761) % 1000) / 1000 - 0.5;
}

function openDirect() {
  for (const path of [process.env.LOCKSTEP_OPENBLAS, ...candidateLibraries(process.platform, process.arch)]) {
    if (path === undefined) continue;
    try {
      return koffi
        .load(path)
        .func(
          'void cblas_sgemm(int, int, int, int, int, int, float, const void *, int, const void *, int, float, void *, int)',
        );
    } catch {
      continue;
    }
  }
  return null;
}

/** Milliseconds per product of each contender, round by round: contenders take turns and change places. */
function compete(contenders) {
  const repeats = contenders.map(({ product }) => {
    product();
    const start = performance.now();
    product();
    return Math.max(1, Math.ceil(SAMPLE_MS / (performance.now() - start)));
  });
  const times = contenders.map(() => []);
  const begin = performance.now();
  for (let round = 0; round < ROUNDS && performance.now() - begin < ROUNDS_BUDGET_MS; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const i = (turn + round) % contenders.length;
      const start = performance.now();
      for (let repeat = 0; repeat < repeats[i]; repeat++) contenders[i].product();
      times[i].push((performance.now() - start) / repeats[i]);
    }
  }
  return Object.fromEntries(contenders.map(({ name }, i) => [name, times[i]]));
}

function measure(shape, contenders) {
  const times = compete(contenders);
  const operations = 2 * shape.m * shape.n * shape.k;
  const gflops = Object.fromEntries(
    Object.entries(times).map(([name, samples]) => [name, operations / median(samples) / 1e6]),
  );
  // The ratio of two that ran next to each other, round by round, is steadier than the ratio of two medians.
  const { openblas, direct } = times;
  const ratio = openblas && direct ? median(openblas.map((time, round) => direct[round] / time)) : null;
  return { ...shape, gflops, ratio };
}

const { values: options } = parseArgs({ options: { json: { type: 'string' } } });
const machine = introduce();
const direct = machine.openblas === null ? null : openDirect();

const results = SHAPES.map((shape) => {
  const contenders = backends().map((name) => ({ name, product: backendProduct(name, shape) }));
  if (direct !== null) contenders.push({ name: 'direct', product: directProduct(direct, shape) });
  return measure(shape, contenders);
});
const small = measure(
  SMALL,
  ['wasm', 'reference'].map((name) => ({ name, product: backendProduct(name, SMALL) })),
);

console.log('products, GFLOP/s of one thread, medians');
table([
  ['', 'openblas', 'cblas_sgemm', 'openblas / cblas_sgemm', 'wasm'],
  ...results.map(({ name, m, n, k, gflops, ratio }) => [
    `${name} (${m}×${n}×${k})`,
    figure(gflops.openblas),
    figure(gflops.direct),
    figure(ratio, 2),
    figure(gflops.wasm),
  ]),
]);
const { wasm, reference } = small.gflops;
console.log(
  `\n${SMALL.name}: wasm ${figure(wasm)}, reference ${figure(reference, 2)}: ${figure(wasm / reference, 0)} times as fast`,
);
writeJson(options.json, { machine, products: [...results, small] });
