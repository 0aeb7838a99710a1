/** How one compute thread works through segments together with the others of its worker. */
import type { Arena } from '../src/kernels/arena.js';
import type { Exchange, Pass, RowOperation, TaskOperation } from '../src/nn/layer.js';
import type { Program, Segment } from '../src/nn/program.js';
import { MAX_GRADIENT_OPERATIONS, MAX_GROUPS, type Control, type SegmentRange } from './control.js';
import type { ExchangeBoard } from './exchange-board.js';
import { ExchangeSums, holdsWholeBatch } from './exchange-sums.js';
import type { BoardPass } from './pass-words.js';
import { WAITING, type ThreadTrace } from './thread-trace.js';

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
  /** Where to record what ran when; null when nobody wants to know. */
  readonly trace: ThreadTrace | null;
  /** Opens the board, when a pass first uses it. */
  readonly openBoard: () => ExchangeBoard;
}

interface AwaitedExchange {
  readonly exchange: Exchange;
  readonly sums: ExchangeSums;
}

/** Who answers the exchanges of a pass: these threads, alone or with those of other workers at the board, or the event loop. */
type Answerer = 'alone' | BoardPass | null;

/** The segments of a program by number: stage i has 2i and, for the wait after it, 2i + 1; inference comes last. */
export class SegmentRunner {
  readonly #segments: readonly (readonly Group[])[];
  /** Numbers of the operations that form a gradient. */
  readonly #gradients: ReadonlyMap<TaskOperation, number>;
  readonly #thread: number;
  readonly #threads: number;
  readonly #control: Control;
  readonly #trace: ThreadTrace | null;
  /** What is exchanged once the operations of a stage are done, by stage; null where nobody waits for an answer. */
  readonly #awaited: readonly (AwaitedExchange | null)[];
  readonly #openBoard: () => ExchangeBoard;
  #opened: ExchangeBoard | null = null;

  /** @throws RangeError when a segment turns from rows to tasks and back, or the program forms gradients, more often than can be counted. */
  constructor(
    program: Program,
    control: Control,
    thread: number,
    threads: number,
    { arena, trace, openBoard }: RunnerSurroundings,
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
    this.#openBoard = openBoard;
    this.#awaited = program.training.map(({ awaits }) =>
      awaits === null ? null : { exchange: awaits, sums: new ExchangeSums(awaits, arena) },
    );
  }

  /**
   * Runs one segment after the other. Exchanges between them are answered here where the worker holds the whole batch, or shares a
   * board with those who hold the rest; else only the last segment may depend on one.
   */
  run(range: SegmentRange, pass: Pass): void {
    const answerer = holdsWholeBatch(pass) ? 'alone' : this.#control.pass.board;
    for (let segment = range.first; segment < range.end;) {
      const next = this.#next(segment, range.end);
      this.#runSegment(segment, this.#groups(segment), pass);
      const exchange = this.#exchangeAfter(segment, next, answerer, pass);
      // At the end of a call nobody waits for the others, except where an exchange is to be answered.
      if (next >= range.end && exchange === null) return;
      this.#control.barrier(this.#threads, () => {
        exchange?.();
        // Where the event loop has an exchange to send, it has it now.
        this.#control.passSegment(segment, answerer === null);
      });
      if (this.#control.wasCutShort) return;
      segment = next;
    }
  }

  /** The next segment before `end` in which there is anything to do. */
  #next(segment: number, end: number): number {
    let next = segment + 1;
    while (next < end && this.#groups(next).length === 0) next += 1;
    return next;
  }

  #groups(segment: number): readonly Group[] {
    const groups = this.#segments[segment];
    if (groups === undefined) throw new RangeError(`no segment ${segment}`);
    return groups;
  }

  /** What one thread does about an exchange between two segments; null where there is none, or the event loop sees to it. */
  #exchangeAfter(segment: number, next: number, answerer: Answerer, pass: Pass): (() => void) | null {
    const stage = stageOf(segment);
    const awaited = this.#awaited[stage] ?? null;
    if (awaited === null || answerer === null) return null;
    const { exchange, sums } = awaited;
    const isFormed = segment === stageSegment(stage, false);
    if (answerer === 'alone') return isFormed ? () => sums.answer(pass) : null;
    return () => {
      if (isFormed) this.#board.post(exchange.index, sums.merge(pass), pass, answerer);
      if (stageOf(next) > stage) this.#takeAnswer(exchange, answerer, segment, pass);
    };
  }

  /** Waits for what the other workers post, and has the pass end early where that will not come. */
  #takeAnswer(exchange: Exchange, board: BoardPass, segment: number, pass: Pass): void {
    const start = performance.now();
    const isThere = this.#board.wait(exchange.index, pass, board, this.#control);
    const end = performance.now();
    this.#control.waitedAtBoard(end - start);
    if (this.#trace?.enabled === true) this.#trace.record(this.#thread, segment, WAITING, start, end);
    if (isThere) this.#board.answer(exchange, pass, board);
    else this.#control.cutShort();
  }

  get #board(): ExchangeBoard {
    return (this.#opened ??= this.#openBoard());
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

/** The stage of a segment; that of inference is behind the last one. */
function stageOf(segment: number): number {
  return Math.floor(segment / 2);
}

/** The only segment of an evaluation. */
export function inferenceSegment(program: Program): SegmentRange {
  const first = 2 * program.training.length;
  return { first, end: first + 1 };
}
