/** The file of a trace: a JSON array that is written as the run goes on, and gets its name when it is whole. */
import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { LockstepError } from '../../src/common/errors.js';
import { TEMPORARY_SUFFIX } from '../../src/state/atomic-write.js';
import { fileError } from '../../src/state/file-errors.js';

/** Written at once: about 2000 events. */
const BUFFER_CHARACTERS = 1 << 18;

/**
 * Writes are synchronous, so that the file can be completed even while the process ends; a buffer of this size goes to the
 * system's cache in far less time than a step takes.
 */
export class TraceFile {
  readonly path: string;
  readonly #temporary: string;
  readonly #descriptor: number;
  readonly #onExit = (): void => this.finish();
  #buffer: string[] = [];
  #buffered = 0;
  #events = 0;
  #open = true;
  #failure: LockstepError | null = null;

  /** @throws LockstepError `usage` when there can be no file at `path`. */
  constructor(path: string) {
    this.path = resolve(path);
    this.#temporary = join(dirname(this.path), `.${basename(this.path)}.${process.pid}${TEMPORARY_SUFFIX}`);
    try {
      // The rename at the end would put a file in the place of a folder or device.
      if (isSpecial(this.path)) throw new LockstepError('usage', `cannot write ${path}: it is not an ordinary file`);
      this.#descriptor = openSync(this.#temporary, 'w');
    } catch (thrown) {
      throw fileError('write', path, thrown);
    }
    // A second signal ends the process at once; what was recorded up to then is worth as much.
    process.once('exit', this.#onExit);
  }

  /** Events in the file so far. */
  get events(): number {
    return this.#events;
  }

  /** Why the file could not be written to its end; null while all is well. */
  get failure(): LockstepError | null {
    return this.#failure;
  }

  /** Adds events, one JSON object each. Errors of the device end the file and not the run: see {@link failure}. */
  append(lines: readonly string[]): void {
    if (!this.#open) return;
    for (const line of lines) {
      this.#buffer.push(this.#events === 0 ? `[\n${line}` : `,\n${line}`);
      this.#buffered += line.length;
      this.#events += 1;
    }
    if (this.#buffered >= BUFFER_CHARACTERS) this.#guarded(() => this.#flush());
  }

  /** Completes the file and puts it in its place, over an older one of that name. Harmless when repeated. */
  finish(): void {
    if (!this.#open) return;
    this.#guarded(() => {
      this.#buffer.push(this.#events === 0 ? '[]\n' : '\n]\n');
      this.#flush();
      this.#close();
      renameSync(this.#temporary, this.path);
    });
  }

  /** Gives up a file that is not finished: leaves nothing behind. */
  discard(): void {
    if (this.#open) this.#close();
    rmSync(this.#temporary, { force: true });
  }

  #flush(): void {
    const bytes = Buffer.from(this.#buffer.join(''));
    this.#buffer = [];
    this.#buffered = 0;
    for (let done = 0; done < bytes.length;) done += writeSync(this.#descriptor, bytes, done);
  }

  #close(): void {
    this.#open = false;
    process.off('exit', this.#onExit);
    closeSync(this.#descriptor);
  }

  #guarded(write: () => void): void {
    try {
      write();
    } catch (thrown) {
      this.#failure = fileError('write', this.path, thrown);
      this.discard();
    }
  }
}

function isSpecial(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === false;
}
