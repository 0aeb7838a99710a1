/**
 * What went wrong, in the terms of whoever has to act on it. The code decides the exit status of a command and the
 * gRPC status of a call; the message says what, where, and what to do.
 */
export type ErrorCode = 'usage' | 'data' | 'internal' | 'unavailable' | 'job' | 'drained';

/** Exit status of a process that ends with an error of this code (sysexits.h where it has a fitting one). */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  usage: 64,
  data: 65,
  internal: 70,
  unavailable: 75,
  job: 78,
  drained: 143,
};

export interface LockstepErrorOptions {
  /** What the user can do about it, printed on its own line. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export class LockstepError extends Error {
  override readonly name = 'LockstepError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: LockstepErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }

  /** Any thrown value as a LockstepError; what is not one already is a defect of ours, hence `internal`. */
  static from(thrown: unknown): LockstepError {
    if (thrown instanceof LockstepError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new LockstepError('internal', message, { cause: thrown });
  }
}
