import { LockstepError } from '../common/errors.js';
import type { Override } from './overrides.js';
import { formatPath, startsWith } from './path.js';
import type { Problem } from './problems.js';
import type { Source } from './source.js';

export interface ReportOptions {
  /** What messages call the file. */
  readonly file: string;
  readonly source: Source;
  /** In the order in which they were applied. */
  readonly overrides?: readonly Override[];
  /** Where the keys are described. */
  readonly hint: string;
}

/** Finds out where problems stand, and says so. */
export class Report {
  private readonly file: string;
  private readonly source: Source;
  private readonly overrides: readonly Override[];
  private readonly hint: string;

  constructor({ file, source, overrides = [], hint }: ReportOptions) {
    this.file = file;
    this.source = source;
    this.overrides = overrides;
    this.hint = hint;
  }

  /** All problems of the file from the first line to the last, then those of overrides. */
  error(problems: readonly Problem[]): LockstepError {
    const fromSource = this.source.problems.map(({ offset, path, message }) => ({
      offset,
      text: label(path, message),
    }));
    const located = [...fromSource, ...problems.map((problem) => this.locate(problem))].sort(
      (a, b) => a.offset - b.offset,
    );
    const lines = located.map(({ offset, text }) => {
      if (offset === Infinity) return text;
      const { line, column } = this.source.position(offset);
      return `${this.file}:${line}:${column}: ${text}`;
    });
    return new LockstepError('job', lines.join('\n'), { hint: this.hint });
  }

  private locate(problem: Problem): { readonly offset: number; readonly text: string } {
    const { path, message, related = [], atKey = false } = problem;
    const places = [path, ...related];
    const at = this.source.offsetOf(path, atKey);
    const override =
      this.overrides.findLast((candidate) => places.some((place) => startsWith(place, candidate.path))) ??
      (at === null ? this.overrides.findLast((candidate) => startsWith(candidate.path, path)) : undefined);
    if (override !== undefined) {
      const same = formatPath(override.path) === formatPath(path);
      return { offset: Infinity, text: `--set ${override.text}: ${same ? message : label(path, message)}` };
    }
    return { offset: at ?? this.nearest(problem), text: label(path, message) };
  }

  /** Where to point for something that is not in the file: at a related field, or at what should contain it. */
  private nearest({ path, related = [] }: Problem): number {
    for (const place of related) {
      const offset = this.source.offsetOf(place, false);
      if (offset !== null) return offset;
    }
    for (let length = path.length - 1; length >= 0; length--) {
      const offset = this.source.offsetOf(path.slice(0, length), true);
      if (offset !== null) return offset;
    }
    return 0;
  }
}

/** `training.epochs: expected …`: a message with the key that it is about. */
export function label(path: Problem['path'], message: string): string {
  return path.length === 0 ? message : `${formatPath(path)}: ${message}`;
}
