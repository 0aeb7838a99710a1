/**
 * A contestant (see contest.mjs): one coordinator and one worker in this process, put together as `lockstep train --workers 1`
 * does, run directory and metrics included.
 *
 *   node bench/lockstep-step.mjs --backend wasm --units 512,256 --shards 8
 */
import { mkdtempSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { prepareJob } from '../dist/coordinator/prepare.js';
import { TrainingRun } from '../dist/coordinator/run.js';
import { sharedArena, startLocalWorker } from '../dist/src/cli/local-worker.js';
import { createCoordinatorMetrics } from '../dist/src/observe/coordinator-metrics.js';
import { createLogger } from '../dist/src/observe/logger.js';
import { benchJob } from './jobs.mjs';

const { values: options } = parseArgs({
  options: {
    backend: { type: 'string', default: 'wasm' },
    units: { type: 'string', default: '512,256' },
    shards: { type: 'string', default: '8' },
  },
});

const say = (answer) => writeSync(1, `${JSON.stringify(answer)}\n`);

/** Few enough looks to cost the others nothing; a turn is timed from the moment its request is read. */
const POLL_MS = 5;

/** One byte of the input, or null at its end. The pipe does not block, so this looks again now and then. */
function readByte() {
  const byte = new Uint8Array(1);
  const asleep = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      return readSync(0, byte, 0, 1, null) === 1 ? byte[0] : null;
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(asleep, 0, 0, POLL_MS);
    }
  }
}

/**
 * The next request, or null at the end of input. Holds up the event loop on purpose: it is called between two steps, and
 * until the request comes nothing here may take time from the contestant whose turn it is.
 */
function nextRequest() {
  let line = '';
  for (let byte = readByte(); byte !== null; byte = readByte()) {
    if (byte === 10) return JSON.parse(line);
    line += String.fromCharCode(byte);
  }
  return null;
}

/** Stands between the steps: lets as many happen as were asked for, and measures them. */
class Gate {
  #left = 0;
  #asked = null;
  #stop;

  constructor(stop) {
    this.#stop = stop;
  }

  /** Waits for the first request. */
  open() {
    say({ ready: true });
    this.#await();
  }

  step({ loss }) {
    this.#left -= 1;
    if (this.#left > 0 || this.#asked === null) return;
    const { user, system } = process.cpuUsage(this.#asked.cpu);
    say({ ms: performance.now() - this.#asked.start, cpuMs: (user + system) / 1000, loss });
    this.#await();
  }

  #await() {
    const request = nextRequest();
    this.#asked = request === null ? null : { start: performance.now(), cpu: process.cpuUsage() };
    this.#left = request?.steps ?? 0;
    if (request === null) this.#stop();
  }
}

const { job, baseDir } = benchJob({ units: options.units.split(',').map(Number), shards: Number(options.shards) });
const prepared = await prepareJob(job, baseDir, options.backend);
const out = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
try {
  const metrics = createCoordinatorMetrics({ build: { version: prepared.version, backend: prepared.backend } });
  const logger = createLogger({ role: 'bench', level: 'silent' });
  const gate = new Gate(() => run.stop());
  const nothing = () => undefined;
  const spectator = {
    phase: (phase) => (phase === 'training' ? gate.open() : undefined),
    step: (record) => gate.step(record),
    ...{ workers: nothing, evaluated: nothing, epochCompleted: nothing },
  };
  const arena = sharedArena(prepared);
  const run = await TrainingRun.start({
    prepared,
    out: join(out, 'run'),
    resume: 'never',
    maxSteps: null,
    metrics,
    logger,
    spectator,
    arena,
  });
  const worker = startLocalWorker(run, prepared, arena);
  await run.execute();
  await worker.close();
} finally {
  rmSync(out, { recursive: true, force: true });
}
