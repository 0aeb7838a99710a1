import { on } from 'node:events';
import {
  Client,
  Server,
  ServerCredentials,
  credentials,
  makeGenericClientConstructor,
  status,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterEach, describe, expect, it } from 'vitest';
import { formatAddress, type Address } from '../../src/rpc/address.js';
import { callMetadata } from '../../src/rpc/channel.js';
import { HealthService } from '../../src/rpc/health.js';
import { protocol } from '../../src/rpc/proto.js';
import { RUN_ID, TestCoordinator, startWorker } from '../support/cluster-links.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  while (closing.length > 0) await closing.pop()?.();
});

/** A method of the service as its reference implementation defines it. */
function methodOf(name: 'Check' | 'Watch'): MethodDefinition<object, object> {
  const method = healthService[name] as MethodDefinition<object, object> | undefined;
  if (method === undefined) throw new RangeError(`the health service has a method ${name}`);
  return method;
}

/** What a probe is told about a service; '' stands for the whole server. */
async function health(address: Address, service: string): Promise<unknown> {
  const Health = makeGenericClientConstructor(healthService, 'Health');
  const client = new Health(formatAddress(address), credentials.createInsecure());
  closing.push(() => client.close());
  const check = methodOf('Check');
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

describe('a server of the health service', () => {
  async function serve(): Promise<{ health: HealthService; client: Client }> {
    const server = new Server();
    const health = new HealthService();
    health.addTo(server);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    closing.push(
      () => server.forceShutdown(),
      () => client.close(),
    );
    return { health, client };
  }

  it('does not know a service that was never set', async () => {
    const { client } = await serve();
    const { path, requestSerialize, responseDeserialize } = methodOf('Check');
    const code = await new Promise((resolve) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service: 'none' }, (error) =>
        resolve(error?.code),
      );
    });
    expect(code).toBe(status.NOT_FOUND);
  });

  it('tells who watches a service of every change, and of no other service', async () => {
    const { health, client } = await serve();
    const { path, requestSerialize, responseDeserialize } = methodOf('Watch');
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: 'mine' });
    call.on('error', () => undefined);
    const told = on(call, 'data') as AsyncIterator<[{ status: string }], undefined>;
    const next = async (): Promise<string | undefined> => (await told.next()).value?.[0].status;
    expect(await next()).toBe('SERVICE_UNKNOWN');
    health.setStatus('other', 'SERVING');
    health.setStatus('mine', 'NOT_SERVING');
    health.setStatus('mine', 'NOT_SERVING');
    health.setStatus('mine', 'SERVING');
    expect([await next(), await next()]).toEqual(['NOT_SERVING', 'SERVING']);
    call.cancel();
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
