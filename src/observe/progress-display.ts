import type { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import type { Clock } from '../common/clock.js';
import type { LogDestination } from './logger.js';
import { MAX_WIDTH, renderEpochLine, renderProgress } from './progress.js';
import type { ProgressState } from './progress.js';
import { renderSummary, summaryRecord } from './summary.js';
import type { RunSummary } from './summary.js';

/**
 * `live`: a block redrawn in place, with a line per epoch above it; `plain`: a line per epoch; `json`: an object per epoch and
 * one for the end; `quiet`: nothing.
 */
export type DisplayMode = 'live' | 'plain' | 'json' | 'quiet';

/** What the display writes to; `process.stdout` is one. */
export interface DisplayStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface ProgressDisplayOptions {
  readonly mode: DisplayMode;
  readonly clock: Clock;
  /** Default stdout. */
  readonly stream?: DisplayStream;
  /** Default: what the terminal and `NO_COLOR` say. */
  readonly colours?: boolean;
}

/** Ten times a second is as much as an eye reads, and costs nothing beside a step. */
const REDRAW_EVERY_MS = 100;
/** How often time goes on in the block while no step arrives. */
const TICK_EVERY_MS = 1_000;
/** A run of thousands of short epochs leaves about so many lines, evenly spaced, and always the last. */
const MOST_EPOCH_LINES = 100;

/** The mode that the flags of a command and its stdout call for. */
export function displayMode(
  flags: { readonly json?: boolean; readonly quiet?: boolean },
  stream: DisplayStream = process.stdout,
  terminalType: string | undefined = process.env['TERM'],
): DisplayMode {
  if (flags.json === true) return 'json';
  if (flags.quiet === true) return 'quiet';
  return stream.isTTY === true && terminalType !== 'dumb' ? 'live' : 'plain';
}

/** The display of `lockstep train`. What redraws a block is loaded only where there is one. */
export async function openDisplay(options: ProgressDisplayOptions): Promise<ProgressDisplay> {
  return new ProgressDisplay(options, options.mode === 'live' ? (await import('log-update')).createLogUpdate : null);
}

/** One per process; every method may be called at any rate. */
export class ProgressDisplay {
  readonly mode: DisplayMode;
  /**
   * Where the log goes that shares the terminal with the display: its lines stay above the block instead of tearing it.
   * Undefined where nothing is redrawn, and the log goes to stderr as always.
   */
  readonly logDestination: LogDestination | undefined;
  readonly #clock: Clock;
  readonly #stream: DisplayStream;
  readonly #colours: boolean;
  readonly #block: ReturnType<typeof createLogUpdate> | null;
  #last: { readonly state: ProgressState; readonly atMs: number } | null = null;
  #ticker: NodeJS.Timeout | null = null;

  /** @param redraw makes the block; only in mode `live`. */
  constructor(options: ProgressDisplayOptions, redraw: typeof createLogUpdate | null) {
    this.mode = options.mode;
    this.#clock = options.clock;
    this.#stream = options.stream ?? process.stdout;
    this.#colours = options.colours ?? (this.#stream.isTTY === true && pc.isColorSupported);
    this.#block = redraw === null ? null : redraw(this.#stream);
    this.logDestination =
      this.mode === 'live' ? { isTTY: true, write: (text) => this.#keepAbove(text.trimEnd()) } : undefined;
  }

  /** Redraws at most ten times a second, except when the phase changes; does nothing in the other modes. */
  update(state: ProgressState): void {
    if (this.#block === null) return;
    const nowMs = this.#clock.monotonic();
    const last = this.#last;
    if (last !== null && last.state.phase === state.phase && nowMs - last.atMs < REDRAW_EVERY_MS) return;
    this.#draw(state);
  }

  /** Keeps the block alive while no step arrives, for example while waiting for workers. Never keeps the process alive. */
  keepTicking(state: () => ProgressState): void {
    if (this.#block === null || this.#ticker !== null) return;
    this.#ticker = setInterval(() => this.update(state()), TICK_EVERY_MS);
    this.#ticker.unref();
  }

  /** To be told once per epoch, after its evaluation if it has one. */
  epochCompleted(state: ProgressState): void {
    const every = Math.max(1, Math.ceil(state.epochs / MOST_EPOCH_LINES));
    if (this.mode === 'json') {
      this.#writeJson({ event: 'epoch', ...epochRecord(state) });
    } else if (this.mode !== 'quiet' && (state.epoch % every === 0 || state.epoch === state.epochs)) {
      if (this.#block === null) this.#stream.write(`${renderEpochLine(state)}\n`);
      else this.#keepAbove(pc.createColors(this.#colours).dim(renderEpochLine(state, this.#width())), state);
    }
    this.update(state);
  }

  /** Ends the display with what the run came to. */
  finish(summary: RunSummary): void {
    this.stop();
    if (this.mode === 'json') this.#writeJson({ event: 'summary', ...summaryRecord(summary) });
    else if (this.mode !== 'quiet') this.#stream.write(`\n${renderSummary(summary, this.#colours)}\n`);
  }

  /** Ends the display without a summary: the block goes, the cursor comes back. Safe to call twice. */
  stop(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker);
    this.#ticker = null;
    if (this.#block === null || this.#last === null) return;
    this.#block.clear();
    this.#block.done();
    this.#last = null;
  }

  #draw(state: ProgressState): void {
    this.#block?.(renderProgress(state, this.#width(), this.#colours));
    this.#last = { state, atMs: this.#clock.monotonic() };
  }

  #keepAbove(text: string, state = this.#last?.state): void {
    if (this.#block === null || state === undefined) {
      this.#stream.write(`${text}\n`);
      return;
    }
    this.#block.persist(text);
    this.#draw(state);
  }

  #width(): number {
    return Math.min(MAX_WIDTH, this.#stream.columns ?? 80);
  }

  #writeJson(record: unknown): void {
    this.#stream.write(`${JSON.stringify(record)}\n`);
  }
}

function epochRecord(state: ProgressState): Record<string, unknown> {
  const {
    epoch,
    epochs,
    step,
    totalSteps,
    loss,
    cost,
    accuracy,
    devLoss,
    devAccuracy,
    samplesPerSecond,
    workers,
    elapsedMs,
  } = state;
  return {
    epoch,
    epochs,
    step,
    totalSteps,
    loss,
    ...(cost === null ? {} : { cost: cost.now, smoothedCost: cost.smoothed }),
    ...(accuracy === null ? {} : { accuracy }),
    ...(devLoss === null ? {} : { devLoss }),
    ...(devAccuracy === null ? {} : { devAccuracy }),
    samplesPerSecond,
    workers: workers.ready,
    elapsedMs,
  };
}
