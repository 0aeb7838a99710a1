import { describe, expect, it } from 'vitest';
import type { Pass, RowOperation, TaskOperation } from '../../src/nn/layer.js';
import type { Program, Segment } from '../../src/nn/program.js';
import { Control } from '../../worker/control.js';
import { SegmentRunner, inferenceSegment, stageSegment } from '../../worker/segment-runner.js';

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
    inference,
    exchanges: [],
    gradients: [],
    outputs: 0,
    targets: 0,
    losses: 0,
    predictions: 0,
  };
}

function prepare(shards: number): { control: Control; pass: Pass } {
  const control = new Control(0);
  const range = { firstShard: 0, endShard: shards, totalShards: shards };
  control.setPass({ mode: 'training', split: 'train', step: 0, lossScale: 1, weights: 0, ...range, batchCount: 100 });
  return { control, pass: control.pass([0, 0], 0, 0) };
}

async function runOn(control: Control, runner: SegmentRunner, segment: number, pass: Pass): Promise<void> {
  const run = control.run(segment, 1);
  runner.run(segment, pass);
  control.done();
  await run;
}

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
    await runOn(control, new SegmentRunner(program([{ operations: segment }]), control, 0, 1), 0, pass);
    expect(log).toEqual(['a 0-6', 'b 0-6', 'c 0', 'c 1', 'e 0', 'e 1', 'e 2', 'f 0-6']);
  });

  it('runs the tasks again in the next run', async () => {
    const log: string[] = [];
    const { control, pass } = prepare(1);
    const runner = new SegmentRunner(program([{ operations: [tasks('a', 2, log)] }]), control, 0, 1);
    await runOn(control, runner, 0, pass);
    await runOn(control, runner, 0, pass);
    expect(log).toEqual(['a 0', 'a 1', 'a 0', 'a 1']);
  });

  it('counts the tasks of each group apart', async () => {
    const log: string[] = [];
    const { control, pass } = prepare(1);
    const segment = numbers(500).flatMap((i) => [tasks(`t${i}`, 2, log), rows('r', [])]);
    await runOn(control, new SegmentRunner(program([{ operations: segment }]), control, 0, 1), 0, pass);
    expect(log).toEqual(numbers(500).flatMap((i) => [`t${i} 0`, `t${i} 1`]));
  });

  it('refuses more groups than there are counters, rather than leave tasks out', () => {
    const { control } = prepare(1);
    const segment = numbers(1025).flatMap((i) => [tasks(`t${i}`, 1, []), rows('r', [])]);
    expect(() => new SegmentRunner(program([{ operations: segment }]), control, 0, 1)).toThrow(RangeError);
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
        new SegmentRunner(program([{ operations: [rows('a', log)] }]), control, thread, threads).run(0, pass);
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
    );
    // The second thread comes when the first one is in the middle of its second task.
    const interrupted: TaskOperation = {
      kind: 'tasks',
      count: 3,
      run(_pass, task) {
        log.push(`first:a ${task}`);
        if (task === 1) second.run(0, pass);
      },
    };
    new SegmentRunner(program([{ operations: [interrupted, tasks('first:b', 2, log)] }]), control, 0, 2).run(0, pass);
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
    const runner = new SegmentRunner(example, control, 0, 1);
    const order = [
      inferenceSegment(example),
      stageSegment(1, true),
      stageSegment(0, false),
      stageSegment(0, true),
      stageSegment(1, false),
    ];
    for (const segment of order) runner.run(segment, pass);
    expect(log).toEqual(['inference 0-1', 'y during 0-1', 'x before 0-1', 'x during 0-1', 'y before 0-1']);
  });

  it('beyond these, there is nothing to run', () => {
    const { control, pass } = prepare(1);
    expect(() => new SegmentRunner(example, control, 0, 1).run(5, pass)).toThrow('no segment 5');
  });
});
