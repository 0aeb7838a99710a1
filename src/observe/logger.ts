import { createRequire } from 'node:module';
import type * as Pino from 'pino';
import type PinoPretty from 'pino-pretty';
import { LockstepError } from '../common/errors.js';

/** Writes a line: what happened, and the fields that belong to it. */
interface Log {
  (message: string): void;
  (fields: object, message: string): void;
}

/** What the processes of a run report through. */
export interface Logger {
  readonly debug: Log;
  readonly info: Log;
  readonly warn: Log;
  readonly error: Log;
}

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
 * The logger of a process. What is logged at which level: docs/observability.md. What does the writing is loaded with the first
 * line that is written, which for most processes that `train` starts never comes.
 *
 * @throws LockstepError `usage` for a level that does not exist.
 */
export function createLogger(options: LoggerOptions): Logger {
  const level = options.level ?? (options.role === 'train' ? 'warn' : 'info');
  if (!isLogLevel(level)) {
    throw new LockstepError('usage', `There is no log level "${level}"`, { hint: `Levels: ${LOG_LEVELS.join(', ')}` });
  }
  let writer: Pino.Logger | undefined;
  const log = (at: keyof Logger): Log => {
    if (LOG_LEVELS.indexOf(at) < LOG_LEVELS.indexOf(level)) return () => undefined;
    return (first: string | object, message?: string) => {
      writer ??= createWriter(options, level);
      if (typeof first === 'string') writer[at](first);
      else writer[at](first, message);
    };
  };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

function createWriter(options: LoggerOptions, level: LogLevel): Pino.Logger {
  const library = requireModule('pino') as typeof Pino;
  const terminal = options.destination === undefined ? process.stderr.isTTY : options.destination.isTTY === true;
  const human = options.json !== true && terminal;
  return library.pino(
    {
      level,
      base: human ? { role: options.role } : { role: options.role, pid: process.pid },
      timestamp: library.stdTimeFunctions.isoTime,
      redact: { paths: [...SECRETS, ...SECRETS.map((key) => `*.${key}`)], censor: '[redacted]' },
      serializers: { err: (thrown) => serializeError(thrown, library) },
      formatters: { level: (label) => ({ level: label }) },
    },
    human ? prettyDestination(options.destination) : jsonDestination(options.destination, library),
  );
}

const requireModule = createRequire(import.meta.url);

/** Errors that a user can act on say what and what to do; a stack is of use only where the defect is ours. */
function serializeError(thrown: unknown, { stdSerializers }: typeof Pino): unknown {
  if (thrown instanceof LockstepError && thrown.code !== 'internal') {
    const { code, message, hint } = thrown;
    return { code, message, ...(hint === undefined ? {} : { hint }) };
  }
  return thrown instanceof Error ? stdSerializers.err(thrown) : thrown;
}

function isLogLevel(level: string): level is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(level);
}

function jsonDestination(destination: LogDestination | undefined, { pino }: typeof Pino): Pino.DestinationStream {
  if (destination === undefined) return pino.destination({ fd: process.stderr.fd, sync: true });
  return { write: (line) => void destination.write(line) };
}

function prettyDestination(destination: LogDestination | undefined): Pino.DestinationStream {
  const pretty = requireModule('pino-pretty') as typeof PinoPretty;
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
