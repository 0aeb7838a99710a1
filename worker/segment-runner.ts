/** How one compute thread works through segments together with the others of its worker. */
import type { Arena } from '../src/kernels/arena.js';
import type { Pass, RowOperation, TaskOperation } from '../src/nn/layer.js';
import type { Program, Segment } from '../src/nn/program.js';
import { MAX_GRADIENT_OPERATIONS, MAX_GROUPS, type Control, type SegmentRange } from './control.js';
import { ExchangeSums, holdsWholeBatch } from './exchange-sums.js';
import type { ThreadTrace } from './thread-trace.js';

/** Operations of one kind in a row: threads run them without waiting for each other. */
type Group =
  | { readonly kind: 'rows'; readonly operations: readonly RowOperation[] }
  | { readonly kind: 'tasks'; readonly operations: readonly TaskOperation[]; readonly tasks: number };

/** The groups of a segment; between two of them, threads wait for each other. */
export function groupsOf(segment: Segment): Group[] {
  const groups: Group[] = [];
  for (const operation of segment) {
    const last = groups.at(-1);
    if (operation.kind === 'rows') {
      if (last?.kind === 'rows')
        groups[groups.length - 1] = { kind: 'rows', operations: [...last.operations, operation] };
      else groups.push({ kind: 'rows', operations: [operation] });
    } else if (last?.kind === 'tasks') {
      const tasks = last.tasks + operation.count;
      groups[groups.length - 1] = { kind: 'tasks', operations: [...last.operations, operation], tasks };
    } else {
      groups.push({ kind: 'tasks', operations: [operation], tasks: operation.count });
    }
  }
  return groups;
}

export interface RunnerSurroundings {
  readonly arena: Arena;
  readonly trace: ThreadTrace | null;
}

/** The segments of a program by number: stage i has 2i and, for the wait after it, 2i + 1; inference comes last. */
export class SegmentRunner {
  readonly #segments: readonly (readonly Group[])[];
  /** Numbers of the operations that form a gradient. */
  readonly #gradients: ReadonlyMap<TaskOperation, number>;
  readonly #thread: number;
  readonly #threads: number;
  readonly #control: Control;
  readonly #trace: ThreadTrace | null;
  /** What stands between a segment and the next one, by the number of the segment. */
  readonly #answers: readonly (ExchangeSums | null)[];

  /** @throws RangeError when a segment turns from rows to tasks and back, or the program forms gradients, more often than can be counted. */
  constructor(
    program: Program,
    control: Control,
    thread: number,
    threads: number,
    { arena, trace }: RunnerSurroundings,
  ) {
    const segments = [...program.training.flatMap((stage) => [stage.operations, stage.meanwhile]), program.inference];
    this.#segments = segments.map(groupsOf);
    const most = Math.max(...this.#segments.map((groups) => groups.length));
    if (most > MAX_GROUPS)
      throw new RangeError(`${most} groups of operations in one segment: ${MAX_GROUPS} can be counted`);
    if (program.gradients.length > MAX_GRADIENT_OPERATIONS)
      throw new RangeError(
        `${program.gradients.length} operations form gradients: ${MAX_GRADIENT_OPERATIONS} can be counted`,
      );
    this.#gradients = new Map(program.gradients.map((operation, index) => [operation, index]));
    this.#control = control;
    this.#thread = thread;
    this.#threads = threads;
    this.#trace = trace;
    this.#answers = program.training.flatMap(({ awaits }) => [
      awaits === null ? null : new ExchangeSums(awaits, arena),
      null,
    ]);
  }

  /**
   * Runs one segment after the other. Exchanges between them are answered here where the worker holds the whole batch; else only
   * the last segment may depend on one.
   */
  run(range: SegmentRange, pass: Pass): void {
    const { first } = range;
    let { end } = range;
    // Exchanges during which there is nothing to do.
    while (end > first + 1 && this.#segments[end - 1]?.length === 0) end -= 1;
    const alone = holdsWholeBatch(pass);
    for (let segment = first; segment < end; segment += 1) {
      const groups = this.#segments[segment];
      if (groups === undefined) throw new RangeError(`no segment ${segment}`);
      if (groups.length === 0 && segment > first) continue;
      this.#runSegment(segment, groups, pass);
      const answer = alone ? (this.#answers[segment] ?? null) : null;
      if (segment + 1 === end && answer === null) return;
      this.#control.barrier(this.#threads, () => {
        answer?.answer(pass);
        // Who is not alone has an exchange to send now.
        this.#control.passSegment(segment, !alone);
      });
    }
  }

  #runSegment(segment: number, groups: readonly Group[], pass: Pass): void {
    const trace = this.#trace?.enabled === true ? this.#trace : null;
    groups.forEach((current, index) => {
      if (index > 0) this.#control.barrier(this.#threads);
      const start = trace === null ? 0 : performance.now();
      if (current.kind === 'rows') {
        const { first, end } = this.#share(pass);
        for (const operation of current.operations) operation.run(pass, first, end);
      } else {
        this.#runTasks(current.operations, current.tasks, index, pass);
      }
      trace?.record(this.#thread, segment, index, start, performance.now());
    });
  }

  /** This thread's shards of the pass. */
  #share(pass: Pass): { first: number; end: number } {
    const count = pass.shards.length;
    return {
      first: Math.floor((this.#thread * count) / this.#threads),
      end: Math.floor(((this.#thread + 1) * count) / this.#threads),
    };
  }

  #runTasks(operations: readonly TaskOperation[], tasks: number, groupIndex: number, pass: Pass): void {
    for (let claimed = this.#control.claim(groupIndex); claimed < tasks; claimed = this.#control.claim(groupIndex)) {
      let task = claimed;
      for (const operation of operations) {
        if (task < operation.count) {
          operation.run(pass, task);
          const gradient = this.#gradients.get(operation);
          if (gradient !== undefined) this.#control.taskEnded(gradient, operation.count);
          break;
        }
        task -= operation.count;
      }
    }
  }
}

/** Number of the segment that a stage runs before (`wait` false) or during its exchange. */
export function stageSegment(stage: number, wait: boolean): number {
  return 2 * stage + (wait ? 1 : 0);
}

export function inferenceSegment(program: Program): SegmentRange {
  const first = 2 * program.training.length;
  return { first, end: first + 1 };
}
