/** Shows a search on the terminal, or as lines of text or JSON. */
import type { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import type { Clock } from '../../common/clock.js';
import { displayMode, type DisplayMode, type DisplayStream } from '../../observe/progress-display.js';
import type { SearchRecord, TrialLine } from '../../search/records.js';
import {
  renderSearch,
  renderSearchSummary,
  renderTrialLine,
  type SearchProgress,
  type SearchSummary,
} from './render.js';

const REDRAW_EVERY_MS = 100;
const TICK_EVERY_MS = 1_000;

export interface SearchDisplayOptions {
  readonly flags: { readonly json?: boolean; readonly quiet?: boolean };
  readonly clock: Clock;
  readonly stream?: DisplayStream;
}

export async function openSearchDisplay(options: SearchDisplayOptions): Promise<SearchDisplay> {
  const mode = displayMode(options.flags, options.stream ?? process.stdout);
  return new SearchDisplay(options, mode, mode === 'live' ? (await import('log-update')).createLogUpdate : null);
}

export class SearchDisplay {
  readonly #mode: DisplayMode;
  readonly #clock: Clock;
  readonly #stream: DisplayStream;
  readonly #colours: boolean;
  readonly #block: ReturnType<typeof createLogUpdate> | null;
  #drawnMs = -Infinity;
  #ticker: NodeJS.Timeout | null = null;

  constructor(
    { clock, stream = process.stdout }: SearchDisplayOptions,
    mode: DisplayMode,
    redraw: typeof createLogUpdate | null,
  ) {
    this.#mode = mode;
    this.#clock = clock;
    this.#stream = stream;
    this.#colours = stream.isTTY === true && pc.isColorSupported;
    this.#block = redraw === null ? null : redraw(stream);
  }

  /** Redraws at most ten times a second. */
  update(state: () => SearchProgress): void {
    if (this.#block === null || this.#clock.monotonic() - this.#drawnMs < REDRAW_EVERY_MS) return;
    this.#block(renderSearch(state(), this.#stream.columns ?? 80, this.#colours));
    this.#drawnMs = this.#clock.monotonic();
  }

  /** Lets the time go on while no trial moves. Never keeps the process alive. */
  keepTicking(state: () => SearchProgress): void {
    if (this.#block === null || this.#ticker !== null) return;
    this.#ticker = setInterval(() => this.update(state), TICK_EVERY_MS);
    this.#ticker.unref();
  }

  /** A trial has ended or come to the end of a rung. On a terminal only what stands out leaves a line. */
  ended(line: TrialLine, state: SearchProgress): void {
    const isBest = state.best[0]?.trial === line.trial && line.objective !== null;
    if (this.#mode === 'json') this.#writeJson({ event: 'trial', ...line });
    else if (this.#mode === 'plain') this.#stream.write(`${renderTrialLine(line, state, isBest)}\n`);
    else if (this.#block !== null && (isBest || line.status === 'failed')) {
      const text = renderTrialLine(line, state, isBest);
      const colour = pc.createColors(this.#colours);
      this.#block.persist(line.status === 'failed' ? colour.yellow(text) : colour.dim(text));
      this.#drawnMs = -Infinity;
    }
    this.update(() => state);
  }

  finish(summary: SearchSummary, record: SearchRecord): void {
    this.stop();
    if (this.#mode === 'json') this.#writeJson({ event: 'summary', ...record });
    else if (this.#mode !== 'quiet') {
      this.#stream.write(`\n${renderSearchSummary(summary, this.#stream.columns ?? 120, this.#colours)}\n`);
    }
  }

  /** For those who read along. */
  say(text: string): void {
    if (this.#mode === 'plain' || this.#mode === 'live') this.#stream.write(`${text}\n`);
  }

  /** Ends the display without a summary. Safe to call twice. */
  stop(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker);
    this.#ticker = null;
    if (this.#block === null || this.#drawnMs === -Infinity) return;
    this.#block.clear();
    this.#block.done();
    this.#drawnMs = -Infinity;
  }

  #writeJson(record: unknown): void {
    this.#stream.write(`${JSON.stringify(record)}\n`);
  }
}
