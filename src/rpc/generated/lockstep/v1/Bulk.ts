// Original file: proto/lockstep/v1/lockstep.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { BulkChunk as _lockstep_v1_BulkChunk, BulkChunk__Output as _lockstep_v1_BulkChunk__Output } from '../../lockstep/v1/BulkChunk.js';
import type { BulkRequest as _lockstep_v1_BulkRequest, BulkRequest__Output as _lockstep_v1_BulkRequest__Output } from '../../lockstep/v1/BulkRequest.js';

export interface BulkClient extends grpc.Client {
  Pull(argument: _lockstep_v1_BulkRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_lockstep_v1_BulkChunk__Output>;
  Pull(argument: _lockstep_v1_BulkRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_lockstep_v1_BulkChunk__Output>;
  pull(argument: _lockstep_v1_BulkRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_lockstep_v1_BulkChunk__Output>;
  pull(argument: _lockstep_v1_BulkRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_lockstep_v1_BulkChunk__Output>;
  
}

export interface BulkHandlers extends grpc.UntypedServiceImplementation {
  Pull: grpc.handleServerStreamingCall<_lockstep_v1_BulkRequest__Output, _lockstep_v1_BulkChunk>;
  
}

export interface BulkDefinition extends grpc.ServiceDefinition {
  Pull: MethodDefinition<_lockstep_v1_BulkRequest, _lockstep_v1_BulkChunk, _lockstep_v1_BulkRequest__Output, _lockstep_v1_BulkChunk__Output>
}
