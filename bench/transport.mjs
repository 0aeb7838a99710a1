/**
 * How fast tensors travel between two processes of one host: latency there and back, bandwidth one way, and an all-reduce, over gRPC
 * and through shared memory, next to Gloo. The pairs of processes take turns. "CPU" is the CPU time of the busier process for one,
 * least of all turns: what the time would be on a machine without other work, where latency does not count.
 *
 *   npm run build && node bench/transport.mjs [--only allReduce,…] [--lanes N] [--rounds N] [--json FILE]
 */
import console from 'node:console';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { figure, introduce, median, table, writeJson } from './report.mjs';

const folder = dirname(fileURLToPath(import.meta.url));
const MIB = 2 ** 20;
const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    lanes: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
});
/** Bytes a pair moves in one turn, and the most rounds of it. */
const TURN_BYTES = 64 * MIB;
const TURN_TIMES = 200;

const QUESTIONS = [
  { op: 'pingPong', sizes: [4, 256, 4096] },
  { op: 'oneWay', sizes: [MIB, 4 * MIB, 16 * MIB, 64 * MIB] },
  { op: 'allReduce', sizes: [4, 4096, 65_536, MIB, 4 * MIB, 40_000_000] },
];

class Process {
  #child;
  #lines;

  constructor(command, args) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  say(message) {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  async hear() {
    const { value, done } = await this.#lines.next();
    return done ? { missing: 'it ended' } : JSON.parse(value);
  }

  async end() {
    if (this.#child.exitCode !== null) return;
    this.#child.stdin.end();
    await once(this.#child, 'exit');
  }
}

/** Two processes that answer together. */
class Pair {
  constructor(name, processes) {
    this.name = name;
    this.processes = processes;
  }

  static async lockstep(carrier, lanes) {
    const processes = [0, 1].map(
      (rank) => new Process(process.execPath, [join(folder, 'transport-peer.mjs'), String(rank), carrier, lanes]),
    );
    const [a, b] = await Promise.all(processes.map((each) => each.hear()));
    processes[0].say(b);
    processes[1].say(a);
    await Promise.all(processes.map((each) => each.hear()));
    return new Pair(carrier === 'grpc' && lanes !== '1' ? `grpc, ${lanes} lanes` : carrier, processes);
  }

  /** null where Gloo is not installed. */
  static async gloo() {
    const pythons = ['python3', '/usr/bin/python3'].filter((path) => !path.startsWith('/') || existsSync(path));
    let answer;
    for (const python of pythons) {
      const store = mkdtempSync(join(tmpdir(), 'lockstep-gloo-'));
      const processes = [0, 1].map(
        (rank) => new Process(python, [join(folder, 'peers', 'gloo.py'), String(rank), join(store, 'store')]),
      );
      [answer] = await Promise.all(processes.map((each) => each.hear()));
      rmSync(store, { recursive: true });
      if (answer.ready) return new Pair('gloo', processes);
    }
    console.log(`gloo is left out: ${answer.missing}; Debian, Ubuntu: apt-get install python3-torch\n`);
    return null;
  }

  /** Milliseconds of each time, as the first process sees them, and CPU time of one, of the process that takes more. */
  async ask(request) {
    for (const each of this.processes) each.say(request);
    const [a, b] = await Promise.all(this.processes.map((each) => each.hear()));
    return { ms: a.ms, cpuMs: Math.max(a.cpuMs, b.cpuMs) };
  }
}

const machine = introduce();
const pairs = [await Pair.lockstep('shm', '1'), await Pair.lockstep('grpc', '1')];
if (options.lanes !== '1') pairs.push(await Pair.lockstep('grpc', options.lanes));
const gloo = await Pair.gloo();
if (gloo !== null) pairs.push(gloo);

const results = [];
for (const { op, sizes } of QUESTIONS.filter(({ op }) => options.only?.split(',').includes(op) ?? true)) {
  const rows = [[op, ...pairs.flatMap(({ name }) => [`${name} best`, 'median', 'CPU'])]];
  for (const bytes of sizes) {
    const times = Math.max(3, Math.min(TURN_TIMES, Math.floor(TURN_BYTES / bytes)));
    const ms = pairs.map(() => []);
    const cpuMs = pairs.map(() => Infinity);
    for (const pair of pairs) await pair.ask({ op, bytes, times });
    for (let round = 0; round < Number(options.rounds); round++) {
      for (let turn = 0; turn < pairs.length; turn++) {
        const index = (round + turn) % pairs.length;
        const answer = await pairs[index].ask({ op, bytes, times });
        ms[index].push(...answer.ms);
        cpuMs[index] = Math.min(cpuMs[index], answer.cpuMs);
      }
    }
    const unit = bytes < MIB / 4 ? (value) => `${figure(value * 1e3)} µs` : (value) => `${figure(value, 2)} ms`;
    const best = ms.map((each) => Math.min(...each));
    const middle = ms.map(median);
    rows.push([`${bytes} B`, ...pairs.flatMap((_, i) => [unit(best[i]), unit(middle[i]), unit(cpuMs[i])])]);
    results.push({
      op,
      bytes,
      pairs: pairs.map(({ name }, i) => ({ name, best: best[i], median: middle[i], cpuMs: cpuMs[i] })),
    });
  }
  table(rows);
  console.log();
}
for (const { processes } of pairs) await Promise.all(processes.map((each) => each.end()));
writeJson(options.json, { machine, results });
