/** The services of proto/lockstep/v1, loaded at run time; the types of their messages are generated. */
import { makeClientConstructor } from '@grpc/grpc-js';
import { serviceDefinitions } from './definitions.js';
import type { ProtoGrpcType } from './generated/lockstep.js';

type Package = ProtoGrpcType['lockstep']['v1'];

/** The clients of the package, each with the definition of its service. */
type Services = { [Name in keyof Package as Package[Name] extends { service: unknown } ? Name : never]: Package[Name] };

let loaded: Services | undefined;

export function protocol(): Services {
  return (loaded ??= load());
}

function load(): Services {
  const services = [...serviceDefinitions('lockstep/v1/lockstep.proto')].map(([fullName, definition]) => {
    const name = fullName.slice(fullName.lastIndexOf('.') + 1);
    return [name, makeClientConstructor(definition, name)] as const;
  });
  return Object.fromEntries(services) as unknown as Services;
}
