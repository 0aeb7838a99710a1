// Original file: proto/lockstep/v1/lockstep.proto

import type { MemoryOffer as _lockstep_v1_MemoryOffer, MemoryOffer__Output as _lockstep_v1_MemoryOffer__Output } from '../../lockstep/v1/MemoryOffer.js';
import type { TraceSteps as _lockstep_v1_TraceSteps, TraceSteps__Output as _lockstep_v1_TraceSteps__Output } from '../../lockstep/v1/TraceSteps.js';

export interface Welcome {
  'workerId'?: (string);
  'runId'?: (string);
  'jobJson'?: (string);
  'baseDir'?: (string);
  'dataFingerprint'?: (string);
  'mean'?: (Buffer | Uint8Array | string);
  'inverseDeviation'?: (Buffer | Uint8Array | string);
  'vectors'?: (_lockstep_v1_MemoryOffer | null);
  'trace'?: (_lockstep_v1_TraceSteps | null);
}

export interface Welcome__Output {
  'workerId': (string);
  'runId': (string);
  'jobJson': (string);
  'baseDir': (string);
  'dataFingerprint': (string);
  'mean': (Buffer);
  'inverseDeviation': (Buffer);
  'vectors': (_lockstep_v1_MemoryOffer__Output | null);
  'trace': (_lockstep_v1_TraceSteps__Output | null);
}
