import { credentials, makeGenericClientConstructor, status, type ServiceError } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterEach, describe, expect, it } from 'vitest';
import { formatAddress, type Address } from '../../src/rpc/address.js';
import { callMetadata } from '../../src/rpc/channel.js';
import { protocol } from '../../src/rpc/proto.js';
import { RUN_ID, TestCoordinator, startWorker } from '../support/cluster-links.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  while (closing.length > 0) await closing.pop()?.();
});

/** What a probe is told about a service; '' stands for the whole server. */
async function health(address: Address, service: string): Promise<unknown> {
  const Client = makeGenericClientConstructor(healthService, 'Health');
  const client = new Client(formatAddress(address), credentials.createInsecure());
  closing.push(() => client.close());
  const check = healthService['Check'];
  if (check === undefined) throw new RangeError('the health service has a method Check');
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      check.path,
      check.requestSerialize,
      check.responseDeserialize,
      { service },
      (error: ServiceError | null, response?: object) => {
        if (error === null) resolve(response === undefined || !('status' in response) ? null : response.status);
        else reject(error);
      },
    );
  });
}

async function startCoordinator(token: string | null = null): Promise<TestCoordinator> {
  const coordinator = await TestCoordinator.start(token);
  closing.push(() => coordinator.server.close());
  return coordinator;
}

/** The status that a stream ends with. */
function statusOf(call: {
  on(event: 'data' | 'error' | 'end', listen: (error: ServiceError) => void): unknown;
}): Promise<string> {
  return new Promise((resolve) => {
    call.on('data', () => undefined);
    call.on('end', () => resolve('OK'));
    call.on('error', ({ code, details }) => resolve(`${status[code]}: ${details}`));
  });
}

describe('the health service', () => {
  it('of a coordinator says SERVING from the start, without a token', async () => {
    const { address } = await startCoordinator('secret');
    expect(await health(address, '')).toBe('SERVING');
    expect(await health(address, 'lockstep.v1.Coordinator')).toBe('SERVING');
  });

  it('of a worker says SERVING while it has a place in a run', async () => {
    const coordinator = await startCoordinator();
    coordinator.refusal = 'later';
    const refused = await startWorker(coordinator.address);
    closing.push(() => refused.close());
    expect(await health(refused.gradients.address, '')).toBe('NOT_SERVING');

    coordinator.refusal = null;
    const worker = await startWorker(coordinator.address);
    closing.push(() => worker.close());
    await worker.side.until(() => worker.side.messages.length > 0);
    expect(await health(worker.gradients.address, '')).toBe('SERVING');
    expect(await health(worker.gradients.address, 'lockstep.v1.Worker')).toBe('SERVING');
    await worker.link.close();
    expect(await health(worker.gradients.address, '')).toBe('NOT_SERVING');
  });
});

describe('a call to pull', () => {
  async function pull(
    which: 'models' | 'gradients',
    request: { workerId: string; runId: string },
    token: string | null,
  ): Promise<string> {
    const coordinator = await startCoordinator('secret');
    const worker = await startWorker(coordinator.address, { token: 'secret' });
    closing.push(() => worker.close());
    await worker.side.until(() => worker.side.messages.length > 0);
    const { Coordinator, Worker } = protocol();
    const metadata = callMetadata({ token });
    if (which === 'models') {
      const client = new Coordinator(formatAddress(coordinator.address), credentials.createInsecure());
      closing.push(() => client.close());
      return statusOf(client.pullWeights(request, metadata));
    }
    const client = new Worker(formatAddress(worker.gradients.address), credentials.createInsecure());
    closing.push(() => client.close());
    return statusOf(client.pullGradients(request, metadata));
  }

  it.each([
    ['models', { workerId: 'worker-9', runId: RUN_ID }, 'secret', 'NOT_FOUND: no worker worker-9 in this run'],
    ['models', { workerId: 'worker-1', runId: 'run-0' }, 'secret', 'NOT_FOUND: no worker worker-1 in this run'],
    ['gradients', { workerId: 'worker-9', runId: RUN_ID }, 'secret', 'NOT_FOUND: this is not worker-9'],
    ['models', { workerId: 'worker-1', runId: RUN_ID }, 'wrong', 'UNAUTHENTICATED: the join token is missing or wrong'],
    ['gradients', { workerId: 'worker-1', runId: RUN_ID }, null, 'UNAUTHENTICATED: the join token is missing or wrong'],
  ] as const)('%s as %o with the token %s ends with %s', async (which, request, token, expected) => {
    expect(await pull(which, request, token)).toContain(expected);
  });

  it('gradients a second time takes the place of the first', async () => {
    const coordinator = await startCoordinator();
    const worker = await startWorker(coordinator.address);
    closing.push(() => worker.close());
    await worker.side.until(() => worker.side.messages.length > 0);
    const client = new (protocol().Worker)(formatAddress(worker.gradients.address), credentials.createInsecure());
    closing.push(() => client.close());
    const request = { workerId: 'worker-1', runId: RUN_ID };
    const first = statusOf(client.pullGradients(request));
    worker.link.sendGradients({ epoch: 1, step: 0, attempt: 1 }, []);
    const second = client.pullGradients(request);
    expect(await first).toBe('OK');
    worker.link.sendGradients({ epoch: 1, step: 1, attempt: 1 }, [{ level: 0, index: 0, values: new Float32Array(2) }]);
    const chunk = await new Promise((resolve) => second.once('data', resolve));
    expect(chunk).toMatchObject({ fence: { step: 1 } });
  });
});
