/** A measured process's side of the conversation with the benchmark: one JSON object per line, over stdin and stdout. */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

export class Conversation<Request> {
  /** Resolves when nobody will ask any more. */
  readonly ended: Promise<void>;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    const input = createInterface({ input: process.stdin });
    this.ended = new Promise((resolve) => input.once('close', resolve));
    this.#lines = input[Symbol.asyncIterator]();
  }

  say(answer: object): void {
    writeSync(1, `${JSON.stringify(answer)}\n`);
  }

  /** The next request; null when the benchmark is over, or gone. */
  async hear(): Promise<Request | null> {
    const line = await this.#lines.next();
    return line.done === true ? null : (JSON.parse(line.value) as Request);
  }
}

/** Runs a measured process: what it needs to know is its one argument, and what goes wrong is its last word. */
export async function serve<Setup>(main: (setup: Setup) => Promise<void>): Promise<never> {
  try {
    await main(JSON.parse(process.argv[2] ?? '{}') as Setup);
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    process.exit(1);
  }
  // Sockets that a peer keeps open must not keep it alive.
  process.exit();
}
