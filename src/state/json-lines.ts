import { appendFile, readFile, truncate } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { LockstepError } from '../common/errors.js';
import { writeFileAtomic } from './atomic-write.js';
import { fileError, systemErrorCode } from './file-errors.js';

/** Lines of a fast run are written together: opening the file for each would cost as much as a layer. */
const FLUSH_AFTER_MS = 50;

/**
 * A file with one JSON object per line, written at its end. Operations take effect in the order of the calls, whether
 * awaited or not. A line that a crash cut short is never seen by a reader and is removed before the next one is
 * written.
 */
export class JsonLinesFile<Line extends object> {
  readonly path: string;
  #last: Promise<unknown> = Promise.resolve();
  #endIsWhole = false;
  /** Lines not written yet, and when they will be. */
  #buffer = '';
  #flushed: Promise<void> | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** Adds a line. Numbers that JSON does not have (NaN, ±∞) become null. */
  append(line: Line): Promise<void> {
    this.#buffer += `${JSON.stringify(line)}\n`;
    this.#flushed ??= delay(FLUSH_AFTER_MS).then(() => this.flush());
    return this.#flushed;
  }

  /** Writes what was added so far. */
  flush(): Promise<void> {
    return this.#inOrder('write', async () => {
      const text = this.#buffer;
      this.#buffer = '';
      this.#flushed = null;
      if (text === '') return;
      if (!this.#endIsWhole) await this.#dropPartialLine();
      this.#endIsWhole = false;
      await appendFile(this.path, text);
      this.#endIsWhole = true;
    });
  }

  /** Every whole line; none when there is no file. @throws LockstepError `data` naming a line that is not an object. */
  async read(): Promise<Line[]> {
    await this.flush();
    return this.#inOrder('read', async () =>
      wholeLines(await this.#text()).map((text, index) => this.#parse(text, index)),
    );
  }

  /** Drops, atomically, the lines for which `keep` is false. */
  async filter(keep: (line: Line) => boolean): Promise<void> {
    await this.flush();
    return this.#inOrder('write', async () => {
      const text = await this.#text();
      const kept = wholeLines(text).filter((line, index) => keep(this.#parse(line, index)));
      const keptText = kept.map((line) => `${line}\n`).join('');
      if (keptText !== text) await writeFileAtomic(this.path, keptText);
      this.#endIsWhole = true;
    });
  }

  async #text(): Promise<string> {
    try {
      return await readFile(this.path, 'utf8');
    } catch (thrown) {
      if (systemErrorCode(thrown) === 'ENOENT') return '';
      throw thrown;
    }
  }

  async #dropPartialLine(): Promise<void> {
    const text = await this.#text();
    const whole = text.lastIndexOf('\n') + 1;
    if (whole < text.length) await truncate(this.path, Buffer.byteLength(text.slice(0, whole)));
  }

  #parse(text: string, index: number): Line {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null) return value as Line;
    } catch {
      // Reported below, with its place.
    }
    throw new LockstepError('data', `${this.path}, line ${index + 1}: not a JSON object`, {
      hint: 'Remove the line; the file holds records for reading only, no state of the run.',
    });
  }

  #inOrder<T>(action: 'read' | 'write', operation: () => Promise<T>): Promise<T> {
    const result = this.#last.then(operation).catch((thrown: unknown) => {
      throw fileError(action, this.path, thrown);
    });
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** The lines that end in a line feed. */
function wholeLines(text: string): string[] {
  return text.split('\n').slice(0, -1);
}
