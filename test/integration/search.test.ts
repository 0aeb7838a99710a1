/** A search over real processes: killed, stopped and resumed, it comes to what it would have come to undisturbed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SearchRecord, TrialLine } from '../../src/search/records.js';
import { childProcesses, eventually, freePorts, isAlive, run, start, workplace } from '../support/processes.js';
import { readLines, readResults } from './results.js';
import { writeSmallJob } from './small-job.js';

const TIMEOUT_MS = 240_000;
const folder = workplace();
writeSmallJob(folder);

/** Four trials, of which two go on after one epoch of two. One of the learning rates lets training diverge. */
const SEARCH = `
seed: 5
job: small.yaml
set:
  training.epochs: 2
  model.layers[4].units: 8
method: { random: { trials: 4 } }
parameters:
  training.optimizer.learningRate: { choice: [0.003, 0.01, 1.0e+30] }
  training.optimizer.beta1: { oneMinusLog: { from: 0.5, to: 0.99 } }
  model.layers[0].units: { integer: { from: 4, to: 32 } }
halving: { eta: 2 }
objective: loss
`;
const file = join(folder, 'search.yaml');
writeFileSync(file, SEARCH);
const FLAGS = ['--backend', 'wasm', '--quiet'];

const linesOf = (out: string) => readLines<TrialLine>(join(out, 'trials.jsonl'));
const recordOf = (out: string) => JSON.parse(readFileSync(join(out, 'search.json'), 'utf8')) as SearchRecord;
/** All but what a clock says. */
const withoutTimes = (out: string) => linesOf(out).map(({ seconds: _seconds, ...line }) => line);
const inOrder = (lines: readonly { round: number; rung: number; trial: number }[]) =>
  lines.map(({ round, rung, trial }) => (round * 10 + rung) * 100 + trial);

async function searchTo(out: string, ...args: readonly string[]): Promise<void> {
  const { code, stderr, stdout } = await run(['search', file, '--out', out, ...FLAGS, ...args]);
  expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: '', stdout: '' });
}

const undisturbed = join(folder, 'undisturbed');
beforeAll(() => searchTo(undisturbed, '--workers', '1'), TIMEOUT_MS);

describe('a search with workers that were started by hand', () => {
  it('comes to the same, with trials of two workers each side by side', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'elsewhere');
    const port = await freePorts(2);
    const workers = [0, 0, 1, 1].map((place) => {
      const coordinator = `127.0.0.1:${port + place}`;
      return start([
        'worker',
        '--stay',
        '--coordinator',
        coordinator,
        '--backend',
        'wasm',
        '--reconnect-timeout',
        '60',
      ]);
    });
    const listen = `127.0.0.1:${port}`;
    const wide = join(folder, 'search-wide.yaml');
    writeFileSync(wide, SEARCH.replace('set:', 'set:\n  cluster.workers: 2'));
    const searched = await run(['search', wide, '--out', out, '--workers', '4', '--listen', listen, ...FLAGS]);
    expect({ code: searched.code, stderr: searched.stderr }).toEqual({ code: 0, stderr: '' });
    expect(withoutTimes(out)).toEqual(withoutTimes(undisturbed));
    for (const worker of workers) {
      // They have outlived every trial, the failed ones too, and wait for the next.
      expect(worker.exited).toBe(false);
      worker.kill('SIGTERM');
    }
    expect((await Promise.all(workers.map((worker) => worker.finished()))).map(({ code }) => code)).toEqual([
      143, 143, 143, 143,
    ]);
  });
});

describe('a search', () => {
  it('leaves a line for each trial and rung, in order', () => {
    const lines = linesOf(undisturbed);
    expect(inOrder(lines)).toEqual([1, 2, 3, 4, ...inOrder(lines).slice(4)]);
    expect(inOrder(lines)).toEqual([...inOrder(lines)].sort((a, b) => a - b));
    expect(lines.slice(4).map(({ status, epochs }) => [status, epochs])).toEqual([
      ['done', 2],
      ['done', 2],
    ]);
    for (const line of lines) {
      if (line.status === 'failed') continue;
      const { record } = readResults(join(undisturbed, 'trials', String(line.trial)));
      if (line.status === 'done') expect(line.weightsSha256).toBe(record.weightsSha256);
      expect(record.job.training.optimizer).toMatchObject({ beta1: line.parameters['training.optimizer.beta1'] });
      expect(record.job.model.layers[4]).toMatchObject({ units: 8 });
    }
  });

  it('counts a trial that diverges as the worst, and goes on', () => {
    const failed = linesOf(undisturbed).filter(({ status }) => status === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    for (const { parameters, objective, error } of failed) {
      expect(parameters['training.optimizer.learningRate']).toBe(1e30);
      expect(objective).toBeNull();
      expect(error).toMatchObject({ exitCode: 78, message: expect.stringContaining('diverged') as string });
    }
    expect(recordOf(undisturbed)).toMatchObject({
      status: 'done',
      counts: { trials: 4, done: 2, failed: failed.length },
    });
  });

  it(
    'continues trials from rung to rung with the bits of an uninterrupted run, and writes the best as a job',
    { timeout: TIMEOUT_MS },
    async () => {
      const { best } = recordOf(undisturbed);
      const out = join(folder, 'best');
      const { code, stderr } = await run([
        'train',
        join(undisturbed, 'best.yaml'),
        '--out',
        out,
        '--backend',
        'wasm',
        '--quiet',
      ]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { record } = readResults(out);
      expect(record.weightsSha256).toBe(best?.weightsSha256);
      expect(record.final.dev?.loss).toBe(best?.objective);
    },
  );

  it('that is killed and resumed comes to the same, two trials at a time', { timeout: TIMEOUT_MS }, async () => {
    const out = join(folder, 'killed');
    const args = ['search', file, '--out', out, '--workers', '2', ...FLAGS, '--resume', 'auto'];
    const first = start(args);
    await eventually(
      'a trial ends',
      () => linesOf(out).length >= 1 || first.exited,
      () => first.stderr,
    );
    const trials = childProcesses(first.pid);
    expect(trials.length).toBeGreaterThan(0);
    first.kill('SIGKILL');
    await first.finished();
    const before = linesOf(out);
    // A line that the kill has cut short.
    writeFileSync(join(out, 'trials.jsonl'), '{"trial":4,"ro', { flag: 'a' });
    await eventually('the trials end with the search', () => trials.every((pid) => !isAlive(pid)));
    const second = await run(args);
    expect({ code: second.code, stderr: second.stderr }).toEqual({ code: 0, stderr: '' });
    expect(withoutTimes(out)).toEqual(withoutTimes(undisturbed));
    // The times of what had ended are those of before: it was not done again.
    expect(before.length).toBeGreaterThan(0);
    for (const line of before) expect(linesOf(out)).toContainEqual(line);
    expect(recordOf(out)).toMatchObject({ ...pick(recordOf(undisturbed)), trialsAtOnce: 2 });
    expect(readFileSync(join(out, 'best.yaml'), 'utf8')).toBe(readFileSync(join(undisturbed, 'best.yaml'), 'utf8'));
  });

  it('that is stopped says how to go on, and goes on', { timeout: TIMEOUT_MS }, async () => {
    const cwd = folder;
    const first = start(['search', 'search.yaml', '--backend', 'wasm', '--workers', '2'], { cwd });
    await eventually(
      'a trial ends',
      () => first.stdout.includes('trial ') || first.exited,
      () => first.stderr,
    );
    first.kill('SIGTERM');
    const { code, stdout } = await first.finished();
    expect(code).toBe(143);
    expect(stdout).toMatch(
      /Stopped after \d of 4 trials; nothing is lost\. To go on: (npx )?lockstep search search\.yaml --out searches\/search-1 --resume auto\n$/,
    );
    const out = join(folder, 'searches', 'search-1');
    expect(recordOf(out).status).toBe('stopped');
    expect(existsSync(join(out, 'search.lock'))).toBe(false);
    const second = await run(['search', 'search.yaml', '--backend', 'wasm', '--json', '--resume'], { cwd });
    expect(second.code, second.stderr).toBe(0);
    const events = second.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(events.at(-1)).toMatchObject({ event: 'summary', status: 'done', ...pick(recordOf(undisturbed)) });
    expect(withoutTimes(out)).toEqual(withoutTimes(undisturbed));
    // There is nothing left to do, and saying so again changes nothing.
    const lines = readFileSync(join(out, 'trials.jsonl'), 'utf8');
    expect((await run(['search', 'search.yaml', '--backend', 'wasm', '--quiet', '--resume'], { cwd })).code).toBe(0);
    expect(readFileSync(join(out, 'trials.jsonl'), 'utf8')).toBe(lines);
    expect(existsSync(join(folder, 'searches', 'search-2'))).toBe(false);
  });

  it('is not continued with another search file, nor begun twice in one folder', { timeout: TIMEOUT_MS }, async () => {
    const other = join(folder, 'other.yaml');
    writeFileSync(other, SEARCH.replace('trials: 4', 'trials: 5'));
    const changed = await run(['search', other, '--out', undisturbed, ...FLAGS, '--resume', 'auto']);
    expect(changed.code).toBe(64);
    expect(changed.stderr).toContain('something that decides results has changed: method.trials: 4, now 5');
    const again = await run(['search', file, '--out', undisturbed, ...FLAGS]);
    expect([again.code, again.stderr]).toEqual([64, expect.stringContaining('holds a search already') as string]);
  });

  it('ends with an error when every trial has failed', { timeout: TIMEOUT_MS }, async () => {
    const hopeless = join(folder, 'hopeless.yaml');
    writeFileSync(
      hopeless,
      SEARCH.replace('[0.003, 0.01, 1.0e+30]', '[1.0e+30]')
        .replace('trials: 4', 'trials: 1')
        .replace('halving: { eta: 2 }', ''),
    );
    const out = join(folder, 'hopeless');
    const { code, stderr } = await run(['search', hopeless, '--out', out, ...FLAGS]);
    expect(code).toBe(78);
    expect(stderr).toMatch(/^lockstep: all 1 trials have failed; the first: step \d+: the loss is .*diverged/);
    expect(recordOf(out)).toMatchObject({ status: 'done', best: null, counts: { failed: 1 } });
  });
});

/** What a search comes to. */
function pick({ counts, best, definition }: SearchRecord): Pick<SearchRecord, 'counts' | 'best' | 'definition'> {
  return { counts, best, definition };
}
