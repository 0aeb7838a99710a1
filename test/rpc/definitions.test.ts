/** Our service definitions against those of @grpc/proto-loader and grpc-health-check, made from the same files in another way. */
import { join } from 'node:path';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { service as healthService } from 'grpc-health-check';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/common/package.js';
import { serviceDefinitions } from '../../src/rpc/definitions.js';

type Method = MethodDefinition<object, object>;

const fence = { epoch: 3, step: 70_000, attempt: 2 };
const node = { level: 2, index: 1, values: Buffer.from([0, 255, 128, 7]) };

/** Messages of every kind of field: strings, bytes, numbers large and negative, nested, repeated, one of several. */
const MESSAGES: Readonly<Record<string, readonly object[]>> = {
  'lockstep.v1.Coordinator/Session request': [
    {},
    { hello: { version: '1.2.3', backend: 'wasm', threads: 4, address: 'host:1', host: 'höst', pid: 2 ** 31 - 1 } },
    { exchangeNodes: { fence, exchange: 5, nodes: [node, { ...node, values: Buffer.alloc(0) }] } },
    { stepReport: { fence, shards: [{ shard: 1, loss: -1e300, correct: 3 }], computeMs: 1.5, waitMs: 0 } },
  ],
  'lockstep.v1.Coordinator/Session response': [
    {
      plan: { fence, weightsVersion: 9, dataEpoch: 1, firstPosition: 256, batchCount: 256, firstShard: 0, endShard: 8 },
    },
    { shutdown: { reason: 'done', message: '' } },
  ],
  'grpc.health.v1.Health/Check request': [{}, { service: 'lockstep.v1.Worker' }],
  'grpc.health.v1.Health/Check response': [{ status: 'SERVING' }, { status: 'UNKNOWN' }, {}],
};

function agree(path: string, ours: Method, theirs: Method): void {
  const key = path.slice(1);
  for (const message of MESSAGES[`${key} request`] ?? []) {
    const bytes = theirs.requestSerialize(message);
    expect(ours.requestSerialize(message).equals(bytes), key).toBe(true);
    expect(ours.requestDeserialize(bytes)).toEqual(theirs.requestDeserialize(bytes));
  }
  for (const message of MESSAGES[`${key} response`] ?? []) {
    const bytes = theirs.responseSerialize(message);
    expect(ours.responseSerialize(message).equals(bytes), key).toBe(true);
    expect(ours.responseDeserialize(bytes)).toEqual(theirs.responseDeserialize(bytes));
  }
}

function compare(ours: ServiceDefinition, theirs: ServiceDefinition): void {
  for (const [name, method] of Object.entries(ours) as [string, Method][]) {
    const other = theirs[name] as Method | undefined;
    if (other === undefined) throw new RangeError(`the other has no method ${name}`);
    const { path, requestStream, responseStream } = method;
    expect(method).toMatchObject({ path: other.path, originalName: other.originalName });
    expect([requestStream, responseStream]).toEqual([other.requestStream, other.responseStream]);
    agree(path, method, other);
  }
}

describe('service definitions', () => {
  it('are those of proto-loader, byte for byte', () => {
    const loaded = loadSync('lockstep/v1/lockstep.proto', {
      ...{ longs: Number, enums: String, defaults: true, oneofs: true },
      includeDirs: [join(packageRoot(), 'proto')],
    });
    const services = serviceDefinitions('lockstep/v1/lockstep.proto');
    expect([...services.keys()].sort()).toEqual(
      Object.keys(loaded)
        .filter((name) => loaded[name]?.format === undefined)
        .sort(),
    );
    for (const [name, definition] of services) {
      const other = loaded[name] as ServiceDefinition;
      expect(Object.keys(definition)).toEqual(Object.keys(other));
      compare(definition, other);
    }
  });

  it('of health checks are those of the reference implementation', () => {
    const definition = serviceDefinitions('grpc/health/v1/health.proto').get('grpc.health.v1.Health');
    expect(Object.keys(definition ?? {})).toEqual(['Check', 'Watch']);
    compare(definition ?? {}, healthService);
  });
});
