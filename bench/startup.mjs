/**
 * From the command to the first committed step: `lockstep train examples/mnist.yaml`, a new process each time, backends by turns.
 * Medians, split into what the run directory tells:
 *
 *   open    until the run directory is there: job read, data loaded and measured, initial weights drawn
 *   ready   until the last worker has said that it is ready
 *   step    until the first step is committed
 *
 * The last column is the processor time of all processes up to then, which tells more than the clock on a machine that is busy
 * with something else (Linux only).
 *
 *   npm run build && node bench/startup.mjs [--rounds N] [--workers N] [--against DIR] [--json FILE]
 *
 * --against: another built checkout, whose runs take turns with this one's.
 */
import { spawn } from 'node:child_process';
import console from 'node:console';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { backends, figure, introduce, median, table, writeJson } from './report.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    workers: { type: 'string', default: '2' },
    against: { type: 'string' },
    json: { type: 'string' },
  },
});

const here = dirname(dirname(fileURLToPath(import.meta.url)));
/** How often the run directory is looked at (ms); times come from what is written there. */
const POLL_MS = 20;
const TICKS_PER_SECOND = 100;

/** Processor time (s) of a process and its children; null where the system does not tell. */
function processorSeconds(pid) {
  let total = 0;
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    let stat;
    try {
      stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
    } catch {
      continue; // It has ended meanwhile.
    }
    // Behind the name, which may hold spaces: state, parent, … user ticks, system ticks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(entry) === pid || Number(fields[1]) === pid)
      total += (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }
  return total;
}

const linesOf = (path) =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line.endsWith('}'))
        .map((line) => JSON.parse(line))
    : [];

/** One start; durations in ms. */
async function start(root, backend) {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-startup-'));
  const out = join(folder, 'run');
  const begun = Date.now();
  const child = spawn(
    process.execPath,
    [
      join(root, 'bin', 'lockstep.js'),
      ...['train', join(root, 'examples', 'mnist.yaml'), '--workers', options.workers],
      ...['--max-steps', '1', '--backend', backend, '--out', out, '--quiet'],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let first;
  while (first === undefined) {
    if (child.exitCode !== null)
      throw new Error(`the run ended with exit code ${child.exitCode} before its first step`);
    await setTimeout(POLL_MS);
    first = linesOf(join(out, 'metrics.jsonl'))[0];
  }
  const cpu = existsSync('/proc/self/stat') ? processorSeconds(child.pid) * 1000 : null;
  child.kill('SIGTERM');
  const record = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'));
  const ready = linesOf(join(out, 'events.jsonl')).filter(({ type }) => type === 'membership');
  await ended;
  rmSync(folder, { recursive: true });
  const [opened, joined, committed] = [record.startedAt, ready.at(-1).time, first.time].map((time) => Date.parse(time));
  return { open: opened - begun, ready: joined - opened, step: committed - joined, total: committed - begun, cpu };
}

const machine = introduce();
const roots = [['this', here], ...(options.against === undefined ? [] : [['against', resolve(options.against)]])];
const contestants = backends().flatMap((backend) => roots.map(([name, root]) => ({ name, root, backend, runs: [] })));
for (let round = 0; round < Number(options.rounds); round++) {
  for (const { root, backend, runs } of contestants) runs.push(await start(root, backend));
}

const PHASES = ['open', 'ready', 'step', 'total', 'cpu'];
const results = contestants.map(({ name, backend, runs }) => {
  const of = (phase) => runs.map((run) => run[phase]).filter((value) => value !== null);
  const medians = PHASES.map((phase) => [phase, of(phase).length === 0 ? null : median(of(phase))]);
  return { name, backend, ...Object.fromEntries(medians), best: Math.min(...of('total')) };
});
table([
  ['ms', ...PHASES, 'best total'],
  ...results.map((result) => [
    roots.length === 1 ? result.backend : `${result.backend}, ${result.name}`,
    ...[...PHASES, 'best'].map((key) => figure(result[key], 0)),
  ]),
]);
if (roots.length > 1) {
  console.log();
  for (const backend of backends()) {
    const [mine, other] = ['this', 'against'].map((name) =>
      results.find((result) => result.name === name && result.backend === backend),
    );
    console.log(
      `${backend}: ${figure(mine.total / other.total, 2)} of the time, ${figure(mine.cpu / other.cpu, 2)} of the processor time`,
    );
  }
}
writeJson(options.json, { machine, workers: Number(options.workers), rounds: Number(options.rounds), results });
