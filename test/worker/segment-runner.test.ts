import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/kernels/arena.js';
import type { Exchange, Pass, RowOperation, TaskOperation } from '../../src/nn/layer.js';
import type { Program, Segment } from '../../src/nn/program.js';
import type { Control, SegmentRange } from '../../worker/control.js';
import { SegmentRunner, inferenceSegment, stageSegment } from '../../worker/segment-runner.js';
import { trainingPass } from '../support/passes.js';

const rows = (name: string, log: string[]): RowOperation => ({
  kind: 'rows',
  run: (_pass, first, end) => log.push(`${name} ${first}-${end}`),
});
const tasks = (name: string, count: number, log: string[]): TaskOperation => ({
  kind: 'tasks',
  count,
  run: (_pass, task) => log.push(`${name} ${task}`),
});

function program(training: readonly { operations: Segment; meanwhile?: Segment }[], inference: Segment = []): Program {
  return {
    training: training.map(({ operations, meanwhile = [] }) => ({
      operations,
      meanwhile,
      posts: [],
      awaits: null,
      weightsEnd: 0,
    })),
    loss: rows('loss', []),
    inference,
    exchanges: [],
    layerOutputs: [],
    gradients: [],
    outputs: 0,
    targets: 0,
    losses: 0,
    predictions: 0,
  };
}

const prepare = (shards: number): { control: Control; pass: Pass } =>
  trainingPass({ batchCount: 100, firstShard: 0, endShard: shards, totalShards: shards });

async function runOn(control: Control, runner: SegmentRunner, segment: number, pass: Pass): Promise<void> {
  const run = control.run(only(segment), 1);
  runner.run(only(segment), pass);
  control.done();
  await run;
}

const only = (segment: number): SegmentRange => ({ first: segment, end: segment + 1 });
const openBoard = (): never => {
  throw new RangeError('there is no board');
};
const surroundings = { arena: Arena.create(64), trace: null, openBoard };

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('one thread alone', () => {
  it('runs all operations in order, rows over all shards, every task once', async () => {
    const log: string[] = [];
    const { control, pass } = prepare(6);
    const segment = [
      rows('a', log),
      rows('b', log),
      tasks('c', 2, log),
      tasks('d', 0, log),
      tasks('e', 3, log),
      rows('f', log),
    ];
    await runOn(control, new SegmentRunner(program([{ operations: segment }]), control, 0, 1, surroundings), 0, pass);
    expect(log).toEqual(['a 0-6', 'b 0-6', 'c 0', 'c 1', 'e 0', 'e 1', 'e 2', 'f 0-6']);
  });

  it('runs the tasks again in the next run', async () => {
    const log: string[] = [];
    const { control, pass } = prepare(1);
    const runner = new SegmentRunner(program([{ operations: [tasks('a', 2, log)] }]), control, 0, 1, surroundings);
    await runOn(control, runner, 0, pass);
    await runOn(control, runner, 0, pass);
    expect(log).toEqual(['a 0', 'a 1', 'a 0', 'a 1']);
  });

  it('counts the tasks of each group apart', async () => {
    const log: string[] = [];
    const { control, pass } = prepare(1);
    const segment = numbers(500).flatMap((i) => [tasks(`t${i}`, 2, log), rows('r', [])]);
    await runOn(control, new SegmentRunner(program([{ operations: segment }]), control, 0, 1, surroundings), 0, pass);
    expect(log).toEqual(numbers(500).flatMap((i) => [`t${i} 0`, `t${i} 1`]));
  });

  it('refuses more groups than there are counters, rather than leave tasks out', () => {
    const { control } = prepare(1);
    const segment = numbers(1025).flatMap((i) => [tasks(`t${i}`, 1, []), rows('r', [])]);
    expect(() => new SegmentRunner(program([{ operations: segment }]), control, 0, 1, surroundings)).toThrow(
      RangeError,
    );
  });
});

describe('several threads', () => {
  it('share out the shards without gap or overlap, some with none when shards are few', () => {
    for (const [shards, threads] of [
      [8, 2],
      [7, 3],
      [2, 5],
      [1, 4],
    ] as const) {
      const log: string[] = [];
      const { control, pass } = prepare(shards);
      for (let thread = 0; thread < threads; thread += 1) {
        new SegmentRunner(program([{ operations: [rows('a', log)] }]), control, thread, threads, surroundings).run(
          only(0),
          pass,
        );
      }
      const ranges = log.map((line) => (line.split(' ')[1] ?? '').split('-').map(Number));
      expect(ranges.flatMap(([first = 0, end = 0]) => numbers(end - first).map((i) => first + i))).toEqual(
        numbers(shards),
      );
    }
  });

  it('take each task once, whoever comes first', () => {
    const log: string[] = [];
    const { control, pass } = prepare(1);
    const second = new SegmentRunner(
      program([{ operations: [tasks('second:a', 3, log), tasks('second:b', 2, log)] }]),
      control,
      1,
      2,
      surroundings,
    );
    // The second thread comes when the first one is in the middle of its second task.
    const interrupted: TaskOperation = {
      kind: 'tasks',
      count: 3,
      run(_pass, task) {
        log.push(`first:a ${task}`);
        if (task === 1) second.run(only(0), pass);
      },
    };
    new SegmentRunner(
      program([{ operations: [interrupted, tasks('first:b', 2, log)] }]),
      control,
      0,
      2,
      surroundings,
    ).run(only(0), pass);
    expect(log).toEqual(['first:a 0', 'first:a 1', 'second:a 2', 'second:b 0', 'second:b 1']);
  });
});

describe('numbers of segments', () => {
  const log: string[] = [];
  const stages = ['x', 'y'].map((name) => ({
    operations: [rows(`${name} before`, log)],
    meanwhile: [rows(`${name} during`, log)],
  }));
  const example = program(stages, [rows('inference', log)]);

  it('name the two halves of every stage, and inference', () => {
    const { control, pass } = prepare(1);
    const runner = new SegmentRunner(example, control, 0, 1, surroundings);
    const order = [
      inferenceSegment(example).first,
      stageSegment(1, true),
      stageSegment(0, false),
      stageSegment(0, true),
      stageSegment(1, false),
    ];
    for (const segment of order) runner.run(only(segment), pass);
    expect(log).toEqual(['inference 0-1', 'y during 0-1', 'x before 0-1', 'x during 0-1', 'y before 0-1']);
  });

  it('beyond these, there is nothing to run', () => {
    const { control, pass } = prepare(1);
    expect(() => new SegmentRunner(example, control, 0, 1, surroundings).run(only(5), pass)).toThrow('no segment 5');
  });
});

describe('segments in a row', () => {
  const WIDTH = 2;

  /** Two stages; the second begins when the first one's exchange is answered. */
  function exchanging(log: string[], meanwhile: Segment) {
    const arena = Arena.create(256);
    const slots = arena.allocate(4 * WIDTH);
    const result = arena.allocate(WIDTH);
    const exchange: Exchange = {
      index: 0,
      layer: 0,
      merge: 'sums',
      width: WIDTH,
      valuesPerSample: 1,
      slots,
      result,
      statistics: null,
    };
    const fill: RowOperation = {
      kind: 'rows',
      run: () => arena.floats.set([1, 2, 10, 20, 100, 200, 1000, 2000], slots),
    };
    const read: RowOperation = {
      kind: 'rows',
      run: () => log.push(`after ${[...arena.floats.subarray(result, result + WIDTH)].join(' ')}`),
    };
    const example = program([{ operations: [fill], meanwhile }, { operations: [read, tasks('t', 2, log)] }]);
    const [first, ...rest] = example.training;
    if (first === undefined) throw new RangeError('there is a first stage');
    const training = [{ ...first, awaits: exchange }, ...rest];
    return { arena, exchanging: { ...example, training, exchanges: [exchange] } };
  }

  it.each([
    ['with something to do meanwhile', (log: string[]): Segment => [tasks('meanwhile', 2, log)]],
    ['with nothing', (): Segment => []],
  ])('go on after an exchange that is answered here, %s', async (_what, meanwhile) => {
    const log: string[] = [];
    const { control, pass } = prepare(4);
    const { arena, exchanging: example } = exchanging(log, meanwhile(log));
    const runner = new SegmentRunner(example, control, 0, 1, { arena, trace: null, openBoard });
    const range = { first: stageSegment(0, false), end: stageSegment(2, false) };
    const run = control.run(range, 1);
    runner.run(range, pass);
    expect([0, 1, 2].map((segment) => control.hasPassed(segment))).toEqual([true, meanwhile([]).length > 0, false]);
    control.done();
    await run;
    expect(log.filter((line) => !line.startsWith('meanwhile'))).toEqual(['after 1111 2222', 't 0', 't 1']);
    expect(log).toHaveLength(meanwhile([]).length > 0 ? 5 : 3);
  });

  it('leave the exchange to the cluster where others have samples too, and say when it may be sent', async () => {
    const log: string[] = [];
    const { control, pass } = trainingPass({ batchCount: 100, firstShard: 0, endShard: 4, totalShards: 8 });
    let passed = false;
    const { arena, exchanging: example } = exchanging(log, [
      { kind: 'tasks', count: 1, run: () => (passed = control.hasPassed(0)) },
    ]);
    const runner = new SegmentRunner(example, control, 0, 1, { arena, trace: null, openBoard });
    const segments = { first: 0, end: 2 };
    const run = control.run(segments, 1);
    runner.run(segments, pass);
    control.done();
    await run;
    expect(passed).toBe(true);
    const { result } = example.exchanges[0] as Exchange;
    expect([...arena.floats.subarray(result ?? 0, (result ?? 0) + WIDTH)]).toEqual([0, 0]);
  });
});
