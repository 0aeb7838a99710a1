/**
 * Contestants that take turns. Each is a process that stays alive and sleeps while the others work, so that whatever else
 * the machine does, a slow minute or a lower clock, meets all of them.
 *
 * Over stdin and stdout, one JSON object per line: the contestant says {"ready": true} or {"missing": "why"}; asked
 * {"steps": K} it runs K training steps and answers {"ms", "cpuMs", "loss"}: wall time, CPU time of all its threads, and the
 * loss of the last step. End of input ends it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { median } from './report.mjs';

export const folder = dirname(fileURLToPath(import.meta.url));

/** Steps before anything is timed: compilers, caches and clocks settle. */
const WARM_UP_MS = 1500;

export class Contestant {
  #process;
  #lines;

  constructor(name, child) {
    this.name = name;
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /**
   * Starts a contestant.
   *
   * @returns {Promise<{ contestant: Contestant } | { missing: string }>} `missing` says why it cannot take part here.
   */
  static async start(name, command, args, env = {}) {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    const spawned = await Promise.race([
      once(child, 'spawn').then(() => null),
      once(child, 'error').then(([error]) => error),
    ]);
    if (spawned !== null) return { missing: `${command} does not start: ${spawned.message}` };
    const contestant = new Contestant(name, child);
    const { missing } = await contestant.#answer();
    return missing === undefined ? { contestant } : { missing };
  }

  async run(steps) {
    this.#process.stdin.write(`${JSON.stringify({ steps })}\n`);
    return this.#answer();
  }

  async end() {
    const exit = once(this.#process, 'exit');
    this.#process.stdin.end();
    await exit;
  }

  async #answer() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.name} ended without an answer`);
    return JSON.parse(value);
  }
}

/** One training step of Lockstep with one worker in its own process, as `lockstep train --workers 1` runs it. */
export function lockstep(name, { backend, units, shards }) {
  const args = ['--backend', backend, '--units', units.join(','), '--shards', String(shards)];
  return Contestant.start(name, process.execPath, [join(folder, 'lockstep-step.mjs'), ...args]);
}

/**
 * Lets contestants take turns of about `turnMs`; every round begins with another one.
 *
 * @returns one object per contestant: `ms` and `cpuMs` per step, medians over the rounds, of which `rounds` and `cpuRounds` hold
 *   each one; the loss of its last step, and how many steps it ran.
 */
export async function compete(contestants, { rounds, turnMs }) {
  const results = [];
  for (const contestant of contestants) {
    let [steps, spent, last] = [0, 0, null];
    while (spent < WARM_UP_MS) {
      const count = Math.max(1, Math.min(50, steps));
      last = await contestant.run(count);
      spent += last.ms;
      steps += count;
      last.perStep = last.ms / count;
    }
    results.push({
      name: contestant.name,
      steps,
      turn: Math.max(1, Math.round(turnMs / last.perStep)),
      rounds: [],
      cpu: [],
      loss: last.loss,
    });
  }
  for (let round = 0; round < rounds; round += 1) {
    for (let i = 0; i < contestants.length; i += 1) {
      const place = (i + round) % contestants.length;
      const result = results[place];
      const { ms, cpuMs, loss } = await contestants[place].run(result.turn);
      result.rounds.push(ms / result.turn);
      result.cpu.push(cpuMs / result.turn);
      result.steps += result.turn;
      result.loss = loss;
    }
  }
  return results.map(({ name, steps, rounds: times, cpu, loss }) => ({
    name,
    ms: median(times),
    cpuMs: median(cpu),
    steps,
    loss,
    rounds: times,
    cpuRounds: cpu,
  }));
}

/** How many times as long a step of `a` takes as one of `b`: the median over the rounds, in which the two ran side by side. */
export function ratio(a, b) {
  return median(a.rounds.map((ms, round) => ms / b.rounds[round]));
}

/** The same of CPU time, which other work on the machine disturbs less. */
export function cpuRatio(a, b) {
  return median(a.cpuRounds.map((ms, round) => ms / b.cpuRounds[round]));
}
