/** What a user gets to see when something is wrong: one message, the right exit code, nothing left behind. */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort, run, workplace, type LaunchOptions } from '../support/processes.js';
import { startCoordinator, startWorker } from './cluster.js';
import { jobText, writeSmallJob } from './small-job.js';

const TIMEOUT_MS = 240_000;
const folder = workplace();
const jobFolder = join(folder, 'job');
const job = writeSmallJob(jobFolder);
const out = join(folder, 'run');

function write(name: string, content: string | Uint8Array): string {
  const path = join(jobFolder, name);
  writeFileSync(path, content);
  return path;
}

/** Runs a command that fails and returns its message, which must be one line, and its hint. */
async function failure(
  exitCode: number,
  args: readonly string[],
  options: LaunchOptions = {},
): Promise<{ message: string; hint: string }> {
  const { code, stdout, stderr } = await run(args, options);
  expect({ code, stdout }, stderr).toEqual({ code: exitCode, stdout: '' });
  const lines = stderr.trimEnd().split('\n');
  const [message = '', hint = ''] = lines;
  expect(lines.length, stderr).toBeLessThanOrEqual(2);
  expect(message).toMatch(/^lockstep: /);
  expect(stderr).not.toMatch(/^\s+at /m);
  if (hint !== '') expect(hint).toMatch(/^ {2}\S/);
  return { message: message.replace('lockstep: ', ''), hint: hint.trim() };
}

/** The same for a training that is to leave nothing behind. */
async function badTraining(exitCode: number, args: readonly string[]): Promise<{ message: string; hint: string }> {
  const failed = await failure(exitCode, ['train', ...args, '--out', out, '--backend', 'wasm', '--quiet']);
  expect(existsSync(out)).toBe(false);
  return failed;
}

/** 3 images of 2×2 pixels in an IDX file, of which `missing` bytes are cut off. */
function idxImages(missing: number): Uint8Array {
  const whole = Uint8Array.from([
    0,
    0,
    8,
    3,
    0,
    0,
    0,
    3,
    0,
    0,
    0,
    2,
    0,
    0,
    0,
    2,
    ...Array.from({ length: 12 }, (_, pixel) => pixel * 20),
  ]);
  return whole.slice(0, whole.length - missing);
}

const idxLabels = Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 0]);

function idxJob(): string {
  const text = jobText().replace(
    / {2}train: .*\n {2}dev: .*\n {2}test: .*\n/,
    '  train: { format: idx, features: images, labels: labels }\n',
  );
  return write('idx.yaml', text);
}

describe('bad data', { timeout: TIMEOUT_MS }, () => {
  it('a missing file: which, and where it was looked for', async () => {
    const { message, hint } = await badTraining(65, [job, '--set', 'data.train.path=nowhere.csv']);
    expect(message).toContain(join(jobFolder, 'nowhere.csv'));
    expect(message).toContain('does not exist');
    expect(hint).toContain(jobFolder);
  });

  it('a ragged row: file and line', async () => {
    const lines = readFileSync(join(jobFolder, 'train.csv'), 'utf8').split('\n');
    lines[6] = '1,2,3';
    const path = write('ragged.csv', lines.join('\n'));
    const { message } = await badTraining(65, [job, '--set', 'data.train.path=ragged.csv']);
    expect(message).toBe(`${path}, line 7: expected 21 columns, found 3`);
  });

  it('a word among numbers: file, line and column, from a cluster as well', async () => {
    const lines = readFileSync(join(jobFolder, 'train.csv'), 'utf8').split('\n');
    lines[9] = (lines[9] ?? '').replace(/^[^,]+,[^,]+/, '0.5,n.a.');
    const path = write('word.csv', lines.join('\n'));
    const { message } = await badTraining(65, [job, '--set', 'data.train.path=word.csv', '--workers', '2']);
    expect(message).toContain(`${path}, line 10, column 'x1'`);
    expect(message).toContain(`'n.a.'`);
  });

  it('a truncated IDX file: how much there should be', async () => {
    write('labels', idxLabels);
    const path = write('images', idxImages(5));
    const { message } = await badTraining(65, [idxJob()]);
    expect(message).toContain(path);
    expect(message).toContain('28 bytes');
    expect(message).toContain('23');
  });

  it('a label column that does not exist', async () => {
    const { message } = await badTraining(65, [job, '--set', 'data.train.label=kin']);
    expect(message).toContain(`'kin'`);
  });
});

describe('bad jobs', { timeout: TIMEOUT_MS }, () => {
  it('a typo: file, line, column and what was meant', async () => {
    const text = jobText().replace('batchSize:', 'batchSise:');
    const line = 1 + text.split('\n').findIndex((row) => row.includes('batchSise'));
    const path = write('typo.yaml', text);
    const { message } = await badTraining(78, [path]);
    expect(message).toBe(`${path}:${line}:3: training.batchSise: unknown key; did you mean batchSize?`);
  });

  it('a typo on the command line', async () => {
    const { message } = await badTraining(78, [job, '--set', 'training.epoch=3']);
    expect(message).toBe('--set training.epoch=3: unknown key; did you mean epochs?');
  });

  it('more workers than one without gRPC', async () => {
    const { message } = await badTraining(78, [job, '--set', 'cluster.collective=local', '--workers', '2']);
    expect(message).toContain('cluster.collective: local');
  });

  it('a network whose outputs do not fit the classes', async () => {
    const { message } = await badTraining(78, [job, '--set', 'model.layers[7].units=3']);
    expect(message).toContain('3');
    expect(message).toContain('4');
  });

  it('a learning rate that makes the loss infinite', async () => {
    const failed = await failure(78, [
      'train',
      job,
      '--out',
      join(folder, 'diverged'),
      '--backend',
      'wasm',
      '--quiet',
      '--set',
      'training.optimizer={type: gradientDescent, learningRate: 1e30}',
      '--set',
      'training.clipNorm=null',
      // Which would warn of the layers before.
      '--set',
      'training.healthEverySteps=0',
    ]);
    expect(failed.message).toContain('diverged');
    expect(failed.hint).toContain('learningRate');
  });
});

describe('wrong usage', { timeout: TIMEOUT_MS }, () => {
  it.each([
    ['an unknown option', ['train', job, '--frobnicate']],
    ['an unknown command', ['frobnicate']],
    ['an impossible value', ['train', job, '--workers', '0']],
  ])('%s: exit code 64', async (_, args) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }, stderr).toEqual({ code: 64, stdout: '' });
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain('--help');
  });

  it('serving other hosts by accident', async () => {
    const { hint } = await failure(64, ['coordinator', job, '--listen', '0.0.0.0:0', '--out', out]);
    expect(hint).toContain('--insecure');
    expect(existsSync(out)).toBe(false);
  });
});

describe('a port that is taken', { timeout: TIMEOUT_MS }, () => {
  it('for workers or for metrics: exit code 75, and no run directory', async () => {
    const owner = createServer();
    await new Promise<void>((resolve) => owner.listen(0, '127.0.0.1', resolve));
    const taken = `127.0.0.1:${(owner.address() as AddressInfo).port}`;
    try {
      const args = ['coordinator', job, '--out', out, '--backend', 'wasm', '--quiet', '--log-level', 'silent'];
      const grpc = await failure(75, [...args, '--listen', taken]);
      expect(grpc.message).toContain(`cannot listen on ${taken}`);
      const http = await failure(75, [...args, '--listen', '127.0.0.1:0', '--http', taken]);
      expect(http.message).toContain(`${taken} is already in use`);
      expect(existsSync(out)).toBe(false);
    } finally {
      owner.close();
    }
  });
});

describe('a worker that cannot take part', { timeout: TIMEOUT_MS }, () => {
  const TOKEN = 'correct horse';

  it('has no coordinator, the wrong token, another backend, or other data', async () => {
    const absent = await run([
      'worker',
      '--coordinator',
      `127.0.0.1:${await freePort()}`,
      '--backend',
      'wasm',
      '--reconnect-timeout',
      '0',
      '--log-level',
      'silent',
    ]);
    expect(absent.code).toBe(75);
    expect(absent.stderr).toMatch(/^lockstep: the coordinator at 127\.0\.0\.1:\d+ does not answer/);

    const coordinator = await startCoordinator(
      job,
      join(folder, 'guarded'),
      ['--workers', '2', '--quiet'],
      '127.0.0.1:0',
      { env: { LOCKSTEP_TOKEN: TOKEN } },
    );
    const quiet = ['--log-level', 'silent'];
    const stranger = await startWorker(coordinator.address, quiet).finished();
    expect(stranger.code, stranger.stderr).toBe(75);
    expect(stranger.stderr).toContain('LOCKSTEP_TOKEN');

    const env = { LOCKSTEP_TOKEN: TOKEN };
    const other = await startWorker(coordinator.address, ['--backend', 'reference', ...quiet], { env }).finished();
    expect(other.code, other.stderr).toBe(78);
    expect(other.stderr).toContain('--backend wasm');

    // The rows of one split in place of another: same columns, other samples.
    const elsewhere = join(folder, 'elsewhere');
    writeSmallJob(elsewhere);
    copyFileSync(join(elsewhere, 'dev.csv'), join(elsewhere, 'test.csv'));
    const misled = await startWorker(coordinator.address, ['--data', elsewhere, ...quiet], { env }).finished();
    expect(misled.code, misled.stderr).not.toBe(0);
    expect(misled.stderr).toContain("is not the coordinator's");
    const failed = await coordinator.process.finished();
    expect(failed.code, failed.stderr).toBe(65);
    expect(existsSync(join(folder, 'guarded'))).toBe(false);
  });
});
