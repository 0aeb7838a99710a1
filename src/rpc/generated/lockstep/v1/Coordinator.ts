// Original file: proto/lockstep/v1/lockstep.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CoordinatorMessage as _lockstep_v1_CoordinatorMessage, CoordinatorMessage__Output as _lockstep_v1_CoordinatorMessage__Output } from '../../lockstep/v1/CoordinatorMessage.js';
import type { WorkerMessage as _lockstep_v1_WorkerMessage, WorkerMessage__Output as _lockstep_v1_WorkerMessage__Output } from '../../lockstep/v1/WorkerMessage.js';

export interface CoordinatorClient extends grpc.Client {
  Session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_lockstep_v1_WorkerMessage, _lockstep_v1_CoordinatorMessage__Output>;
  Session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_lockstep_v1_WorkerMessage, _lockstep_v1_CoordinatorMessage__Output>;
  session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_lockstep_v1_WorkerMessage, _lockstep_v1_CoordinatorMessage__Output>;
  session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_lockstep_v1_WorkerMessage, _lockstep_v1_CoordinatorMessage__Output>;
  
}

export interface CoordinatorHandlers extends grpc.UntypedServiceImplementation {
  Session: grpc.handleBidiStreamingCall<_lockstep_v1_WorkerMessage__Output, _lockstep_v1_CoordinatorMessage>;
  
}

export interface CoordinatorDefinition extends grpc.ServiceDefinition {
  Session: MethodDefinition<_lockstep_v1_WorkerMessage, _lockstep_v1_CoordinatorMessage, _lockstep_v1_WorkerMessage__Output, _lockstep_v1_CoordinatorMessage__Output>
}
