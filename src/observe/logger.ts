import { createRequire } from 'node:module';
import { pino, stdSerializers, stdTimeFunctions } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type PinoPretty from 'pino-pretty';
import { LockstepError } from '../common/errors.js';

export type { Logger } from 'pino';

export type LogRole = 'coordinator' | 'worker' | 'train';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where log lines go. Anything with `write`, a stream or a progress display that keeps lines above itself. */
export interface LogDestination {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export interface LoggerOptions {
  readonly role: LogRole;
  /** JSON lines even on a terminal. Default: JSON unless the destination is a terminal. */
  readonly json?: boolean;
  /** Default `info`; `warn` for `train`, whose display already tells what `info` would say. */
  readonly level?: string;
  /** Default: stderr, written synchronously, so that the last line before an exit is not lost. */
  readonly destination?: LogDestination;
}

/** Keys that never reach a log, at the top of a record or one level down. */
const SECRETS = ['token', 'joinToken', 'privateKey'];

/**
 * The logger of a process. What is logged at which level: docs/observability.md.
 *
 * @throws LockstepError `usage` for a level that does not exist.
 */
export function createLogger(options: LoggerOptions): Logger {
  const level = options.level ?? (options.role === 'train' ? 'warn' : 'info');
  if (!isLogLevel(level)) {
    throw new LockstepError('usage', `There is no log level "${level}"`, { hint: `Levels: ${LOG_LEVELS.join(', ')}` });
  }
  const terminal = options.destination === undefined ? process.stderr.isTTY : options.destination.isTTY === true;
  const human = options.json !== true && terminal;
  return pino(
    {
      level,
      base: human ? { role: options.role } : { role: options.role, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      redact: { paths: [...SECRETS, ...SECRETS.map((key) => `*.${key}`)], censor: '[redacted]' },
      serializers: { err: serializeError },
      formatters: { level: (label) => ({ level: label }) },
    },
    human ? prettyDestination(options.destination) : jsonDestination(options.destination),
  );
}

/** Errors that a user can act on say what and what to do; a stack is of use only where the defect is ours. */
function serializeError(thrown: unknown): unknown {
  if (thrown instanceof LockstepError && thrown.code !== 'internal') {
    const { code, message, hint } = thrown;
    return { code, message, ...(hint === undefined ? {} : { hint }) };
  }
  return thrown instanceof Error ? stdSerializers.err(thrown) : thrown;
}

function isLogLevel(level: string): level is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(level);
}

function jsonDestination(destination: LogDestination | undefined): DestinationStream {
  if (destination === undefined) return pino.destination({ fd: process.stderr.fd, sync: true });
  return { write: (line) => void destination.write(line) };
}

/** pino-pretty is loaded only where a human reads: loading it takes about as long as loading pino itself. */
function prettyDestination(destination: LogDestination | undefined): DestinationStream {
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  const format = pretty.prettyFactory({
    colorize: process.env['NO_COLOR'] === undefined,
    ignore: 'role',
    messageFormat: '{role}: {msg}',
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
  });
  const out = destination ?? process.stderr;
  return { write: (line) => void out.write(format(line)) };
}
