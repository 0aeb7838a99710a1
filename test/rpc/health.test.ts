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
    expect(await health(refused.server.address, '')).toBe('NOT_SERVING');

    coordinator.refusal = null;
    const worker = await startWorker(coordinator.address);
    closing.push(() => worker.close());
    await worker.side.until(() => worker.side.messages.length > 0);
    expect(await health(worker.server.address, '')).toBe('SERVING');
    expect(await health(worker.server.address, 'lockstep.v1.Bulk')).toBe('SERVING');
    await worker.link.close();
    expect(await health(worker.server.address, '')).toBe('NOT_SERVING');
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
    from: 'the coordinator' | 'the worker',
    request: { reader: string; source: string; runId: string },
    token: string | null,
  ): Promise<string> {
    const coordinator = await startCoordinator('secret');
    const worker = await startWorker(coordinator.address, { token: 'secret' });
    closing.push(() => worker.close());
    await worker.side.until(() => worker.side.messages.length > 0);
    const address = from === 'the worker' ? worker.server.address : coordinator.address;
    const client = new (protocol().Bulk)(formatAddress(address), credentials.createInsecure());
    closing.push(() => client.close());
    return statusOf(client.pull(request, callMetadata({ token })));
  }

  const [ofCoordinator, ofWorker] = [
    { reader: 'worker-1', source: 'coordinator', runId: RUN_ID },
    { reader: 'coordinator', source: 'worker-1', runId: RUN_ID },
  ];

  it.each([
    ['the coordinator', { ...ofCoordinator, source: 'worker-1' }, 'secret', 'NOT_FOUND: this is not worker-1'],
    [
      'the coordinator',
      { ...ofCoordinator, runId: 'run-0' },
      'secret',
      'NOT_FOUND: this is not coordinator of run run-0',
    ],
    ['the worker', { ...ofWorker, source: 'worker-9' }, 'secret', 'NOT_FOUND: this is not worker-9'],
    ['the coordinator', ofCoordinator, 'wrong', 'UNAUTHENTICATED: the join token is missing or wrong'],
    ['the worker', ofWorker, null, 'UNAUTHENTICATED: the join token is missing or wrong'],
  ] as const)('%s as %o with the token %s ends with %s', async (from, request, token, expected) => {
    expect(await pull(from, request, token)).toContain(expected);
  });
});
