/** How the command line reads its arguments: exit codes, one message, one hint. Runs the built program, as users do. */
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot, packageVersion } from '../../src/common/package.js';
import { run, workplace } from '../support/processes.js';

const TIMEOUT_MS = 120_000;
const folder = workplace();
const job = join(packageRoot(), 'examples', 'logistic.yaml');
const GENERAL_HINT = '(lockstep --help lists the commands, lockstep COMMAND --help their options)';

interface Failure {
  readonly message: string;
  readonly hint: string;
}

/** Runs a command that fails without doing anything: nothing on stdout, a line that says why, perhaps one that says what to do. */
async function failure(code: number, ...args: readonly string[]): Promise<Failure> {
  const finished = await run(args, { cwd: folder });
  expect({ code: finished.code, stdout: finished.stdout }, finished.stderr).toEqual({ code, stdout: '' });
  expect(finished.stderr).not.toMatch(/^\s+at /m);
  const said = finished.stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('{'));
  expect(said.length, finished.stderr).toBeLessThanOrEqual(2);
  expect(existsSync(join(folder, 'runs'))).toBe(false);
  return { message: said[0] ?? '', hint: said[1] ?? '' };
}

describe('help', { timeout: TIMEOUT_MS }, () => {
  it('lists the commands, and counts as done', async () => {
    const { code, stdout, stderr } = await run(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const command of ['train', 'coordinator', 'worker', 'check', 'report', 'doctor'])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  it('of a command lists its options', async () => {
    const { code, stdout } = await run(['worker', '--help']);
    expect(code).toBe(0);
    for (const option of ['--coordinator', '--listen', '--threads', '--reconnect-timeout', '--insecure'])
      expect(stdout).toContain(option);
  });

  it('is what one gets for no arguments, which is not a success', async () => {
    const { code, stdout, stderr } = await run([]);
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toContain('Usage: lockstep');
  });

  it('includes the version', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${packageVersion()}\n`, stderr: '' });
  });
});

describe('arguments that make no sense', { timeout: TIMEOUT_MS }, () => {
  it.each([
    [['frobnicate'], "error: unknown command 'frobnicate'"],
    [['trian', job], '(Did you mean train?)'],
    [['train'], "error: missing required argument 'job.yaml'"],
    [['train', job, '--worker', '2'], '(Did you mean --workers?)'],
    [['train', job, '--workers', '0'], 'expected a whole number of at least 1'],
    [['train', job, '--max-steps', 'ten'], 'expected a whole number of at least 0'],
    [['train', job, '--backend', 'cuda'], 'Allowed choices are auto, wasm, openblas, reference'],
    [['worker'], "error: required option '--coordinator <host:port>' not specified"],
  ])('%j', async (args, expected) => {
    const { code, stdout, stderr } = await run(args, { cwd: folder });
    expect({ code, stdout }, stderr).toEqual({ code: 64, stdout: '' });
    expect(stderr).toContain(expected);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(GENERAL_HINT);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it.each([
    [
      ['train', job, '--set', 'training.epochs'],
      '--set training.epochs: expected KEY=VALUE',
      '--set training.epochs=3',
    ],
    [['coordinator', job, '--listen', '127.0.0.1:99999'], '--listen 127.0.0.1:99999: expected HOST:PORT', ''],
    [['coordinator', job, '--log-level', 'loud'], 'There is no log level "loud"', 'trace, debug, info, warn, error'],
  ])('%j', async (args, message, hint) => {
    const said = await failure(64, ...args);
    expect(said.message).toContain(`lockstep: ${message}`);
    expect(said.hint).toContain(hint);
  });
});

describe('other interfaces than loopback', { timeout: TIMEOUT_MS }, () => {
  it.each([
    [['coordinator', job, '--listen', '[::]:0'], '--listen [::]:0'],
    [['coordinator', job, '--listen', '127.0.0.1:0', '--http', '0.0.0.0:0'], '--http 0.0.0.0:0'],
    [['worker', '--coordinator', '127.0.0.1:1', '--listen', '0.0.0.0:0'], '--listen 0.0.0.0:0'],
  ])('are not served by accident: %j', async (args, address) => {
    const { message, hint } = await failure(64, ...args);
    expect(message).toContain(`lockstep: ${address} would serve other hosts`);
    expect(hint).toContain('--insecure');
  });

  it('are needed by a worker whose coordinator is elsewhere', async () => {
    const { message, hint } = await failure(64, 'worker', '--coordinator', '192.0.2.1:7700');
    expect(message).toBe('lockstep: the coordinator on 192.0.2.1 must be able to dial this worker');
    expect(hint).toContain('--listen 0.0.0.0:7701 --insecure');
  });
});

describe('what is not there', { timeout: TIMEOUT_MS }, () => {
  it('a job file', async () => {
    const { message } = await failure(78, 'train', 'missing.yaml');
    expect(message).toContain('lockstep: missing.yaml: ');
  });

  it('a coordinator', async () => {
    const { message, hint } = await failure(75, 'worker', '--coordinator', '127.0.0.1:1', '--reconnect-timeout', '0');
    expect(message).toBe('lockstep: the coordinator at 127.0.0.1:1 does not answer: connect ECONNREFUSED 127.0.0.1:1');
    expect(hint).toContain('Is it running');
  });

  it('a free port', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new RangeError('no port');
    try {
      const listen = `127.0.0.1:${address.port}`;
      const { message, hint } = await failure(75, 'worker', '--coordinator', '127.0.0.1:1', '--listen', listen);
      expect(message).toBe(`lockstep: cannot listen on ${listen}: listen EADDRINUSE: address already in use ${listen}`);
      expect(hint).toContain('another process');
    } finally {
      server.close();
    }
  });
});

describe('--stack', { timeout: TIMEOUT_MS }, () => {
  it('adds the stack trace', async () => {
    const { code, stderr } = await run(['--stack', 'train', 'missing.yaml'], { cwd: folder });
    expect(code).toBe(78);
    expect(stderr).toMatch(/^\s+at /m);
  });
});
