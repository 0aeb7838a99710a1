// Original file: proto/lockstep/v1/lockstep.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { GradientChunk as _lockstep_v1_GradientChunk, GradientChunk__Output as _lockstep_v1_GradientChunk__Output } from '../../lockstep/v1/GradientChunk.js';
import type { PullRequest as _lockstep_v1_PullRequest, PullRequest__Output as _lockstep_v1_PullRequest__Output } from '../../lockstep/v1/PullRequest.js';

export interface WorkerClient extends grpc.Client {
  PullGradients(argument: _lockstep_v1_PullRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_lockstep_v1_GradientChunk__Output>;
  PullGradients(argument: _lockstep_v1_PullRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_lockstep_v1_GradientChunk__Output>;
  pullGradients(argument: _lockstep_v1_PullRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_lockstep_v1_GradientChunk__Output>;
  pullGradients(argument: _lockstep_v1_PullRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_lockstep_v1_GradientChunk__Output>;
  
}

export interface WorkerHandlers extends grpc.UntypedServiceImplementation {
  PullGradients: grpc.handleServerStreamingCall<_lockstep_v1_PullRequest__Output, _lockstep_v1_GradientChunk>;
  
}

export interface WorkerDefinition extends grpc.ServiceDefinition {
  PullGradients: MethodDefinition<_lockstep_v1_PullRequest, _lockstep_v1_GradientChunk, _lockstep_v1_PullRequest__Output, _lockstep_v1_GradientChunk__Output>
}
