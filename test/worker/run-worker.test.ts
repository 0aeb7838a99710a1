/** How a worker's part in a run ends, with a coordinator of its own process at the other end of real gRPC. */
import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/observe/logger.js';
import type { WorkerState } from '../../src/observe/worker-metrics.js';
import type { Address } from '../../src/rpc/address.js';
import { runWorker, type WorkerOptions } from '../../worker/run-worker.js';
import { TestCoordinator } from '../support/cluster-links.js';

const LOOPBACK: Address = { host: '127.0.0.1', port: 0 };
/** Listens to nothing that a coordinator would answer to. */
const NOBODY: Address = { host: '127.0.0.1', port: 1 };

/** Closed after the test. */
const closing: (() => unknown)[] = [];
afterEach(async () => {
  while (closing.length > 0) await closing.pop()?.();
});

async function coordinator(token: string | null = null): Promise<TestCoordinator> {
  const started = await TestCoordinator.start(token);
  closing.push(() => started.server.close());
  return started;
}

/** A worker whose engine never starts. */
function work(options: Partial<WorkerOptions> = {}) {
  const states: WorkerState[] = [];
  let closed = 0;
  const leaving = new AbortController();
  const run = runWorker({
    coordinator: NOBODY,
    listen: LOOPBACK,
    backend: 'wasm',
    threads: 1,
    engines: { start: () => new Promise(() => undefined), close: () => Promise.resolve(void (closed += 1)) },
    security: { token: null },
    reconnectMs: 0,
    stay: false,
    logger: createLogger({ role: 'worker', level: 'silent' }),
    metrics: { setState: (state) => states.push(state), stepCommitted: () => undefined },
    signal: leaving.signal,
    ...options,
  });
  return { run, states, leave: () => leaving.abort(), closed: () => closed };
}

describe('a worker', () => {
  it('is told that its token is wrong, and does not dial again', async () => {
    const { address } = await coordinator('secret');
    const { run, states, closed } = work({ coordinator: address, reconnectMs: 60_000 });
    await expect(run).rejects.toMatchObject({ code: 'unavailable' });
    await expect(run).rejects.toThrow(/^the coordinator refused the connection: /);
    expect(states).toEqual(['connecting', 'stopped']);
    expect(closed()).toBe(1);
  });

  it('that is turned away says why', async () => {
    const host = await coordinator();
    host.refusal = 'this run needs the backend openblas';
    const { run } = work({ coordinator: host.address });
    await expect(run).rejects.toMatchObject({ code: 'job' });
    await expect(run).rejects.toThrow('turned this worker away: this run needs the backend openblas');
  });

  it('gives up a coordinator that does not answer', async () => {
    const { run } = work();
    await expect(run).rejects.toMatchObject({ code: 'unavailable' });
    await expect(run).rejects.toThrow('the coordinator at 127.0.0.1:1 does not answer');
  });

  it('leaves quietly when none has come, where it was to stay', async () => {
    const { run, states } = work({ stay: true });
    await run;
    expect(states).toEqual(['connecting', 'stopped']);
  });

  it('that is asked to leave does so quietly, whatever it is waiting for', async () => {
    const { address } = await coordinator();
    const dialling = work({ reconnectMs: 60_000 });
    dialling.leave();
    await dialling.run;
    const starting = work({
      coordinator: address,
      engines: {
        start: () => {
          starting.leave();
          return Promise.reject(new Error('nobody hears of this any more'));
        },
        close: () => Promise.resolve(),
      },
    });
    await starting.run;
    expect(starting.states).toEqual(['connecting', 'joining', 'stopped']);
  });
});
