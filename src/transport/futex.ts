/**
 * Sleeping on a word of memory that several processes share: futex(2). `Atomics.wait` and `notify` reach no further than one process.
 * Linux only.
 */
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { LockstepError } from '../common/errors.js';

/** Operations of futex(2), without FUTEX_PRIVATE_FLAG: the sleeper may be of another process. */
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const EVERYBODY = 2 ** 31 - 1;

/** Number of the system call. */
const SYS_FUTEX: Partial<Record<NodeJS.Architecture, number>> = { x64: 202, arm64: 98 };

export interface Futex {
  /** Sleeps until somebody wakes those on the word, if it has the expected value; at most so long. May wake without a reason. */
  readonly wait: (index: number, expected: number, timeoutMs: number) => void;
  /** Wakes all who sleep on the word. */
  readonly wake: (index: number) => void;
}

type Call = (
  number: number,
  word: number,
  operation: number,
  value: number,
  timeout: BigInt64Array | null,
  unused: number,
  unusedToo: number,
) => number;

interface System {
  readonly number: number;
  readonly call: Call;
  readonly addressOf: (words: Int32Array) => number;
}

let found: System | undefined;

function system(): System {
  if (found !== undefined) return found;
  const number = process.platform === 'linux' ? SYS_FUTEX[process.arch] : undefined;
  if (number === undefined) throw unavailable(`on ${process.platform}-${process.arch}`);
  try {
    // Not a static import: koffi has no binary for every platform, and its absence must not be fatal.
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const declaration = 'long syscall(long, uintptr_t, int, int, const int64_t *, uintptr_t, int)';
    const call = koffi.load(null).func(declaration) as Call;
    return (found = { number, call, addressOf: (words) => Number(koffi.address(words)) });
  } catch (error) {
    throw unavailable(error instanceof Error ? error.message : String(error));
  }
}

/**
 * For the words of a memory that stays where it is.
 *
 * @throws LockstepError `unavailable` where the system has no such call.
 */
export function futexOf(words: Int32Array): Futex {
  const { number, call, addressOf } = system();
  const start = addressOf(words);
  const timeout = new BigInt64Array(2);
  return {
    wait(index, expected, timeoutMs) {
      timeout[0] = BigInt(Math.floor(timeoutMs / 1000));
      timeout[1] = BigInt(Math.floor((timeoutMs % 1000) * 1e6));
      call(number, start + 4 * index, FUTEX_WAIT, expected, timeout, 0, 0);
    },
    wake(index) {
      call(number, start + 4 * index, FUTEX_WAKE, EVERYBODY, null, 0, 0);
    },
  };
}

function unavailable(reason: string): LockstepError {
  return new LockstepError('unavailable', `processes cannot wake each other through shared memory: ${reason}`);
}
