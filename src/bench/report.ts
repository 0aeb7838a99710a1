/** What every benchmark prints and writes: the machine it ran on, tables, and the same as JSON. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { LockstepError } from '../common/errors.js';
import { packageVersion } from '../common/package.js';
import { systemBlas } from '../kernels/openblas/library.js';
import { renderTable } from '../observe/table.js';
import { stolenSeconds } from './stolen.js';

export interface BenchFlags {
  /** File for the results. */
  readonly json?: string;
  /** Fewer and smaller measurements: to see that it works rather than to quote it. */
  readonly quick?: boolean;
}

/** Where and in which company figures are taken. A load near 0 before the start is what makes them worth quoting. */
export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly node: string;
  readonly openblas: string | null;
  /** Processes that wanted to run, mean over the minute before the start. */
  readonly load: number;
}

function describeMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cpus: processors.length,
    node: process.version,
    openblas: systemBlas().library?.description ?? null,
    load: loadavg()[0] ?? 0,
  };
}

export class Report {
  readonly machine: Machine = describeMachine();
  readonly #benchmark: string;
  readonly #flags: BenchFlags;
  readonly #skipped: string[] = [];
  readonly #begun = performance.now();
  readonly #stolenBefore = stolenSeconds();

  /** Prints the machine. @throws LockstepError `usage` when the results could not be written. */
  constructor(benchmark: string, flags: BenchFlags) {
    this.#benchmark = benchmark;
    this.#flags = flags;
    if (flags.json !== undefined) checkWritable(flags.json);
    const { cpu, cpus: count, node, openblas, load } = this.machine;
    this.say(`lockstep bench ${benchmark}: Lockstep ${packageVersion()}, ${cpu}, ${count} CPUs, Node ${node}`);
    this.say(`${openblas ?? 'no OpenBLAS'}; load before the start ${load.toFixed(2)}`);
    if (flags.quick === true) this.say('A quick run: its figures are not worth quoting.');
    this.say();
  }

  say(text = ''): void {
    this.#clearProgress();
    process.stdout.write(`${text}\n`);
  }

  /** A title, and rows under column titles: the first column to the left, the others to the right. */
  table(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): void {
    const specs = columns.map((name, index) => ({ title: name, align: index === 0 ? 'left' : 'right' }) as const);
    this.say(`${title}\n\n${renderTable(specs, rows)}\n`);
  }

  /** Something that is not measured here, and why. */
  skip(what: string): void {
    this.#skipped.push(what);
    this.say(`left out: ${what}`);
  }

  /** Tells a person who waits what is going on. */
  progress(text: string): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text} …`);
  }

  /** Writes the results, and how long it all took. */
  finish(results: Readonly<Record<string, unknown>>): void {
    const seconds = (performance.now() - this.#begun) / 1000;
    const stolen = this.#stolenCpus(seconds);
    this.say(
      `${seconds.toFixed(0)} s${stolen === null ? '' : `; stolen by the host: ${stolen.toFixed(2)} CPUs on average`}`,
    );
    if (this.#flags.json === undefined) return;
    const { machine } = this;
    const head = { benchmark: this.#benchmark, version: packageVersion(), quick: this.#flags.quick === true, machine };
    const whole = { ...head, seconds, stolen, skipped: this.#skipped, ...results };
    writeFileSync(this.#flags.json, `${JSON.stringify(whole, null, 2)}\n`);
  }

  /** Processors that the host of a virtual machine has kept to itself meanwhile, on average. */
  #stolenCpus(seconds: number): number | null {
    const now = stolenSeconds();
    return now === null || this.#stolenBefore === null ? null : (now - this.#stolenBefore) / seconds;
  }

  #clearProgress(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
  }
}

/** Minutes of measuring must not end in a file that cannot be written. */
function checkWritable(path: string): void {
  try {
    closeSync(openSync(path, 'a'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LockstepError('usage', `--json ${path}: the file cannot be written: ${reason}`);
  }
}

/** `–` for what was not measured. */
export function figure(value: number | null | undefined, digits = 2): string {
  return value === null || value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits);
}

/** 12.3 µs, 4.56 ms, 1.23 s */
export function shownTime(ms: number): string {
  if (Number.isNaN(ms)) return '–';
  if (ms < 1) return `${(ms * 1000).toFixed(ms < 0.1 ? 1 : 0)} µs`;
  return ms < 1000 ? `${ms.toFixed(ms < 100 ? 2 : 1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** 512 B, 4 KiB, 64 MiB */
export function shownBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [unit, name] = bytes < 2 ** 20 ? [1024, 'KiB'] : [2 ** 20, 'MiB'];
  const value = bytes / unit;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${name}`;
}
