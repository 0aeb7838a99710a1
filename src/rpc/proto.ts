/** The service definitions of proto/lockstep/v1, loaded at run time; their types are generated with the same options. */
import { join } from 'node:path';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { packageRoot } from '../common/package.js';
import type { ProtoGrpcType } from './generated/lockstep.js';

/** Also in package.json's script `generate:proto`. */
const LOADER_OPTIONS = { longs: Number, enums: String, defaults: true, oneofs: true } as const;

let loaded: ProtoGrpcType['lockstep']['v1'] | undefined;

export function protocol(): ProtoGrpcType['lockstep']['v1'] {
  if (loaded === undefined) {
    const definition = loadSync('lockstep/v1/lockstep.proto', {
      ...LOADER_OPTIONS,
      includeDirs: [join(packageRoot(), 'proto')],
    });
    loaded = (loadPackageDefinition(definition) as unknown as ProtoGrpcType).lockstep.v1;
  }
  return loaded;
}
