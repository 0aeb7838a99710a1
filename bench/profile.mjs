/**
 * Where the time of a training step goes: CPU profiles of the event loop and of the compute thread, one worker, one thread.
 * Functions by their own time in ms per step. Products in OpenBLAS show as `gemm` or as `(program)`; `next` is the compute
 * thread asleep, `(idle)` the event loop.
 *
 *   npm run build && node bench/profile.mjs [--backend wasm] [--job reference] [--shards 8] [--steps 200] [--top 15] [--json FILE]
 */
import { spawn } from 'node:child_process';
import console from 'node:console';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { benchJobs, dataOf } from '../dist/src/bench/train/jobs.js';
import { figure, introduce, table, writeJson } from './report.mjs';

/** Numbers of the WebAssembly binary format: the section of exports, and the kind of an exported function. */
const EXPORTS = 7;
const FUNCTION = 0;
const SAMPLE_US = 200;

const { values: options } = parseArgs({
  options: {
    backend: { type: 'string', default: 'wasm' },
    job: { type: 'string', default: 'reference' },
    shards: { type: 'string', default: '8' },
    steps: { type: 'string', default: '200' },
    top: { type: 'string', default: '15' },
    json: { type: 'string' },
  },
});

const job = benchJobs[options.job];
if (job === undefined) throw new Error(`--job: one of ${Object.keys(benchJobs).join(', ')}`);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'lockstep-profile-'));
process.once('exit', () => rmSync(folder, { recursive: true }));
const { backend, shards } = options;
const setup = { job, data: dataOf(job, folder), workers: 1, threads: 1, shards: Number(shards), backend };

/** Names of the exported functions of the WASM kernels by index; V8 knows only the index. */
function kernelNames() {
  const bytes = readFileSync(join(root, 'dist', 'kernels.wasm'));
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const names = new Map();
  while (at < bytes.length) {
    const section = bytes[at++];
    const size = number();
    const end = at + size;
    if (section === EXPORTS) {
      for (let left = number(); left > 0; left -= 1) {
        const length = number();
        const name = bytes.toString('latin1', at, at + length);
        at += length;
        const kind = bytes[at++];
        const index = number();
        if (kind === FUNCTION) names.set(index, name);
      }
    }
    at = end;
  }
  return names;
}

/** Trains under the profiler; returns wall time per step and one profile per thread. */
async function record(steps) {
  const profiles = mkdtempSync(join(tmpdir(), 'lockstep-profile-'));
  const args = [
    '--cpu-prof',
    '--cpu-prof-interval',
    String(SAMPLE_US),
    '--cpu-prof-dir',
    profiles,
    join(root, 'dist', 'src', 'bench', 'train', 'lockstep.js'),
    JSON.stringify(setup),
  ];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  child.stdin.write(`{"steps":${steps}}\n`);
  const { value, done } = await lines.next();
  if (done) throw new Error('training ended without an answer');
  child.stdin.end();
  await exit;
  const answer = JSON.parse(value);
  const threads = readdirSync(profiles).map((file) => JSON.parse(readFileSync(join(profiles, file), 'utf8')));
  rmSync(profiles, { recursive: true });
  return { ms: answer.ms / steps, threads };
}

/** Own time in ms of each function of a thread. */
function ownTimes({ nodes, samples, timeDeltas }, kernels) {
  const byId = new Map(nodes.map((node) => [node.id, nameOf(node.callFrame, kernels)]));
  const times = new Map();
  samples.forEach((id, i) => {
    const name = byId.get(id) ?? '(unknown)';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[i] ?? 0) / 1000);
  });
  return times;
}

function nameOf({ functionName, url }, kernels) {
  const kernel = /^wasm-function\[(\d+)\]$/.exec(functionName);
  if (kernel !== null) return `${kernels.get(Number(kernel[1])) ?? `inner function ${kernel[1]}`} (wasm)`;
  return `${functionName === '' ? '(anonymous)' : functionName} ${url === '' ? '' : basename(url)}`.trim();
}

const machine = introduce();
const kernels = kernelNames();
const steps = Number(options.steps);
const few = Math.ceil(steps / 5);
// Loading and compiling are in both recordings and cancel in the difference.
const [short, long] = [await record(few), await record(steps)];
const computes = ({ nodes }) => nodes.some(({ callFrame }) => callFrame.url.endsWith('worker/compute-thread.js'));
const perStep = (times, before) =>
  [...times]
    .map(([name, ms]) => ({ name, ms: (ms - (before.get(name) ?? 0)) / (steps - few) }))
    .sort((a, b) => b.ms - a.ms);

console.log(
  `${job.widths.join('-')}, ${options.backend}, V = ${options.shards}: ${figure(long.ms, 2)} ms per step under the profiler`,
);
const report = {};
for (const [thread, wanted] of [
  ['event loop', false],
  ['compute thread', true],
]) {
  const [before, times] = [short, long].map(({ threads }) => {
    const profile = threads.find((candidate) => computes(candidate) === wanted);
    if (profile === undefined) throw new Error(`no profile of the ${thread}`);
    return ownTimes(profile, kernels);
  });
  report[thread] = perStep(times, before).slice(0, Number(options.top));
  console.log('');
  table([[thread, 'ms/step'], ...report[thread].map(({ name, ms }) => [name, figure(ms, 3)])]);
}
writeJson(options.json, { machine, options, ms: long.ms, threads: report });
