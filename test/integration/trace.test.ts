import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrace, type Span, type Trace } from '../support/chrome-trace.js';
import { run, start } from '../support/processes.js';
import { reached, train } from './cluster.js';
import { EPOCHS, STEPS_PER_EPOCH, writeSmallJob } from './small-job.js';

let folder: string;
let job: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-trace-'));
  job = writeSmallJob(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const STEPS = EPOCHS * STEPS_PER_EPOCH;
/** Batch norm exchanges sums on the way back and moments on the way there, twice each. */
const EXCHANGES = 4;

const read = (name: string): Trace => readTrace(readFileSync(join(folder, name), 'utf8'));
const kinds = (spans: readonly Span[]): Set<string> => new Set(spans.map(({ track, name }) => `${track}: ${name}`));
/** `coordinator`, `worker-1`. */
const shortName = (process: string): string => process.split(' ')[0] ?? '';

describe.each(['star', 'mesh'])('a trace of two worker processes (%s)', (collective) => {
  let trace: Trace;
  let stepOf: ReadonlyMap<number, readonly Span[]>;

  beforeAll(async () => {
    const args = ['--workers', '2', '--backend', 'wasm', '--set', `cluster.collective=${collective}`];
    const { code, stdout, stderr } = await run(
      ['train', job, ...args, '--out', collective, '--trace', `${collective}.json`],
      { cwd: folder },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Trace of steps 1–${STEPS}: ${collective}.json. Open it at https://ui.perfetto.dev`);
    trace = read(`${collective}.json`);
    const groups = new Map<number, Span[]>();
    for (const span of trace.spans) {
      const step = span.args['step'];
      // The weights that a run begins with come before the first step.
      if (step !== undefined && step > 0) groups.set(step, [...(groups.get(step) ?? []), span]);
    }
    stepOf = groups;
  });

  it('shows every process', () => {
    expect(trace.processes.map(shortName)).toEqual(['coordinator', 'worker-1', 'worker-2']);
  });

  it('shows of every step what the coordinator and each worker did', () => {
    expect([...stepOf.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
    for (const [step, spans] of stepOf) {
      const told = `step ${step}`;
      const coordinator = kinds(spans.filter(({ process }) => process === 'coordinator'));
      for (const kind of ['event loop: step', 'event loop: plan', 'event loop: wait for workers', 'event loop: record'])
        expect(coordinator, told).toContain(kind);
      for (const track of ['reduce', 'update', 'broadcast'])
        expect(
          [...coordinator].map((kind) => kind.split(':')[0]),
          told,
        ).toContain(track);
      for (const worker of ['worker-1', 'worker-2']) {
        const own = spans.filter(({ process }) => shortName(process) === worker);
        // The second half of the shards of a batch of five is empty: a step's work for one worker.
        if (own.every(({ track }) => track === 'network')) continue;
        expect(kinds(own), told).toContain('compute 0: forward');
        expect(kinds(own), told).toContain('compute 0: parameter gradients');
        expect(kinds(own), told).toContain('event loop: step');
        expect(own.filter(({ name }) => name === 'exchange wait').length, told).toBe(EXCHANGES);
      }
    }
    const both = [...stepOf.values()].filter(
      (spans) => new Set(spans.filter(({ name }) => name === 'forward').map(({ process }) => process)).size === 2,
    );
    expect(both.length).toBeGreaterThanOrEqual(EPOCHS * (STEPS_PER_EPOCH - 1));
  });

  it('shows each bucket on its way: sent, added, applied, broadcast', () => {
    const endOf = new Map(trace.flows.map(({ from, to }) => [from, to]));
    for (const [step, spans] of stepOf) {
      const bucketsOf = (track: string, name: string): number[] =>
        spans
          .filter((span) => span.process === 'coordinator' && span.track === track && span.name === name)
          .map(({ args }) => args['bucket'] ?? -1)
          .sort((a, b) => a - b);
      const applied = bucketsOf('update', 'update');
      expect(applied.length, `step ${step}`).toBeGreaterThan(0);
      expect(applied, `step ${step}`).toEqual(applied.map((_, bucket) => bucket));
      expect(bucketsOf('broadcast', 'broadcast'), `step ${step}`).toEqual(applied);
      expect(new Set(bucketsOf('reduce', 'add')), `step ${step}`).toEqual(new Set(applied));
    }
    // Every arrow that leaves a worker arrives: at the coordinator, in a mesh at the worker that owns the bucket too.
    const left = trace.events.filter(({ ph }) => ph === 's');
    expect(left.length).toBeGreaterThan(STEPS);
    for (const event of left) expect(endOf.get(event)?.pid, JSON.stringify(event)).not.toBe(event.pid);
    const arrivals = new Set([...endOf.values()].map(({ pid }) => pid));
    expect(arrivals.has(1)).toBe(true);
    expect(arrivals.size > 1).toBe(collective === 'mesh');
  });

  it('puts the work of the workers between the update of the step before and the end of their own', () => {
    // How far two processes of one host can be apart at most, when every one of eight answers was held up.
    const tolerance = 5_000;
    for (const [step, spans] of stepOf) {
      const whole = spans.find(({ process, name }) => process === 'coordinator' && name === 'step');
      // Workers go on as soon as they have the new weights, before the coordinator has recorded the step.
      const updates = (stepOf.get(step - 1) ?? []).filter(({ name }) => name === 'update').map(({ end }) => end);
      const earliest = updates.length > 0 ? Math.max(...updates) : (whole?.start ?? NaN);
      for (const span of spans) {
        if (!span.track.startsWith('compute')) continue;
        expect(span.start, `step ${step}: ${span.name}`).toBeGreaterThan(earliest - tolerance);
        expect(span.end, `step ${step}: ${span.name}`).toBeLessThan((whole?.end ?? NaN) + tolerance);
      }
    }
  });

  it('puts the compute threads within the time that their event loop waits for them', () => {
    const workers = trace.spans.filter(({ process }) => process !== 'coordinator');
    const waits = workers.filter(({ name }) => name === 'compute' || name === 'evaluate');
    const threads = workers.filter(({ track }) => track.startsWith('compute'));
    expect(threads.length).toBeGreaterThan(STEPS);
    for (const span of threads) {
      const around = waits.some(
        (wait) => wait.process === span.process && wait.start <= span.start + 200 && span.end <= wait.end + 200,
      );
      expect(around, `${span.process} ${span.name} at ${span.start}`).toBe(true);
    }
  });
});

describe('tracing', () => {
  it('changes no bit of the result, in one process either, and records the steps that are asked for', async () => {
    const plain = await train(job, join(folder, 'plain'), ['--workers', '1', '--max-steps', '12']);
    const traced = await train(job, join(folder, 'traced'), [
      ...['--workers', '1', '--max-steps', '12'],
      ...['--trace', join(folder, 'one.json'), '--trace-steps', '3-5'],
    ]);
    expect(traced.record.weightsSha256).toBe(plain.record.weightsSha256);
    const { processes, spans } = read('one.json');
    expect(processes.map(shortName)).toEqual(['coordinator', 'worker-1']);
    const computed = spans.filter(({ track }) => track === 'compute 0');
    expect(new Set(computed.map(({ args }) => args['step']))).toEqual(new Set([3, 4, 5]));
  });

  it('leaves a whole file when the run is stopped', async () => {
    const out = join(folder, 'stopped');
    const trainer = start(
      ['train', job, '--out', out, '--backend', 'wasm', '--set', 'training.epochs=10000'].concat([
        ...['--workers', '2', '--trace', join(folder, 'stopped.json')],
      ]),
    );
    await reached(3, out, trainer);
    trainer.kill('SIGTERM');
    const { code, stdout } = await trainer.finished();
    expect(code).toBe(143);
    expect(stdout).toContain('Trace of steps 1–');
    expect(read('stopped.json').processes.map(shortName)).toEqual(['coordinator', 'worker-1', 'worker-2']);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it.each([
    [['--trace', join('missing', 'trace.json')], 'cannot write missing/trace.json: no such file or folder'],
    [['--trace', '.'], 'cannot write .: it is not an ordinary file'],
    [['--trace-steps', '3-5'], '--trace-steps says which steps to record, but not where'],
    [['--trace', 'x.json', '--trace-steps', '5-3'], 'expected A-B'],
  ])('is refused before anything is trained: %j', async (args, message) => {
    const out = join(folder, 'refused');
    const { code, stderr } = await run(['train', job, '--out', out, '--backend', 'wasm', ...args], { cwd: folder });
    expect(code).toBe(64);
    expect(stderr).toContain(message);
    expect(existsSync(out)).toBe(false);
  });
});
