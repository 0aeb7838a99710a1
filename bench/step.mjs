/**
 * One training step of the reference job, MNIST through 784-512-256-10 with batch norm, Adam, batch 256 in 8 logical shards: Lockstep
 * with one worker and one compute thread on each backend, next to PyTorch (one thread) and TensorFlow.js (WASM backend, one
 * thread) on the same job, by turns. Ratios are of wall time and of CPU time, below 1 where the one in the row is faster. Peers
 * that are not installed are passed over.
 *
 *   npm run build && node bench/step.mjs [--json FILE] [--rounds N] [--turn MS] [--no-peers]
 */
import console from 'node:console';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Contestant, compete, cpuRatio, folder, lockstep, ratio } from './contest.mjs';
import { BATCH, REFERENCE, peerJob, shapeOf } from './jobs.mjs';
import { backends, figure, introduce, table, writeJson } from './report.mjs';

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '15' },
    turn: { type: 'string', default: '600' },
    peers: { type: 'boolean', default: true },
  },
  allowNegative: true,
});

/** PyTorch of the first Python that has it: the one on the PATH need not be the distribution's. */
async function startTorch() {
  const pythons = ['python3', '/usr/bin/python3'].filter((path) => !path.startsWith('/') || existsSync(path));
  let missing = '';
  for (const python of pythons) {
    // Its BLAS has threads of its own, which torch.set_num_threads need not reach.
    const one = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
    const started = await Contestant.start(
      'PyTorch',
      python,
      [join(folder, 'peers', 'torch_step.py'), peerJob(REFERENCE)],
      one,
    );
    if (started.contestant !== undefined) return started;
    missing = started.missing;
  }
  return { missing: `${missing}; Debian, Ubuntu: apt-get install python3-torch` };
}

const startTensorFlow = () =>
  Contestant.start('TensorFlow.js WASM', process.execPath, [
    join(folder, 'peers', 'tfjs-step.mjs'),
    peerJob(REFERENCE),
  ]);

const machine = introduce();
const starters = backends().map(
  (backend) => () => lockstep(`Lockstep ${backend}`, { backend, units: REFERENCE, shards: 8 }),
);
if (options.peers) starters.push(startTorch, startTensorFlow);
const contestants = [];
for (const start of starters) {
  const { contestant, missing } = await start();
  if (contestant === undefined) console.log(`skipped: ${missing}\n`);
  else contestants.push(contestant);
}

const results = await compete(contestants, { rounds: Number(options.rounds), turnMs: Number(options.turn) });
for (const contestant of contestants) await contestant.end();

const peers = results.filter(({ name }) => !name.startsWith('Lockstep'));
console.log(
  `one step of ${shapeOf(REFERENCE)}, batch ${BATCH}, V = 8, one compute thread; medians of ${options.rounds} rounds by turns`,
);
table([
  ['', 'ms/step', 'CPU ms/step', 'steps', 'loss', ...peers.flatMap(({ name }) => [`/ ${name}`, 'CPU'])],
  ...results.map((result) => [
    result.name,
    figure(result.ms, 2),
    figure(result.cpuMs, 2),
    String(result.steps),
    figure(result.loss, 4),
    ...peers.flatMap((peer) => [figure(ratio(result, peer), 3), figure(cpuRatio(result, peer), 3)]),
  ]),
]);
writeJson(options.json, { machine, job: { units: REFERENCE, batch: BATCH, shards: 8 }, results });
