/**
 * Service definitions from a .proto file, for grpc-js. @grpc/proto-loader makes the same ones, but first encodes descriptors for
 * server reflection, which nobody here asks for, and is itself loaded for longer than the file is read.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { packageRoot } from '../common/package.js';

/** How messages look as objects; package.json's script `generate:proto` generates their types with the same options. */
const OBJECT_FORM = { longs: Number, enums: String, defaults: true, oneofs: true } as const;

/** @param file below `proto/`. @returns the definitions of its services, by full name. */
export function serviceDefinitions(file: string): ReadonlyMap<string, ServiceDefinition> {
  const { root, package: packageName = '' } = protobuf.parse(readFileSync(join(packageRoot(), 'proto', file), 'utf8'));
  root.resolveAll();
  const services = (root.lookup(packageName) as protobuf.Namespace).nestedArray.filter(
    (entry) => entry instanceof protobuf.Service,
  );
  return new Map(services.map((service) => [service.fullName.slice(1), definitionOf(service)]));
}

function definitionOf(service: protobuf.Service): ServiceDefinition {
  return Object.fromEntries(
    service.methodsArray.map((method): [string, MethodDefinition<object, object>] => {
      const [request, response] = [method.resolvedRequestType, method.resolvedResponseType];
      if (request === null || response === null) throw new TypeError(`${method.fullName} has no types`);
      const definition = {
        path: `/${service.fullName.slice(1)}/${method.name}`,
        requestStream: method.requestStream === true,
        responseStream: method.responseStream === true,
        requestSerialize: serializer(request),
        requestDeserialize: deserializer(request),
        responseSerialize: serializer(response),
        responseDeserialize: deserializer(response),
        originalName: method.name.charAt(0).toLowerCase() + method.name.slice(1),
      };
      return [method.name, definition];
    }),
  );
}

function serializer(type: protobuf.Type): (message: object) => Buffer {
  return (message) => type.encode(type.fromObject(message)).finish() as Buffer;
}

function deserializer(type: protobuf.Type): (bytes: Buffer) => object {
  return (bytes) => type.toObject(type.decode(bytes), OBJECT_FORM);
}
