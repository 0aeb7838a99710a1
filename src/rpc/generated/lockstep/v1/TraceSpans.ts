// Original file: proto/lockstep/v1/lockstep.proto

import type { TraceRecord as _lockstep_v1_TraceRecord, TraceRecord__Output as _lockstep_v1_TraceRecord__Output } from '../../lockstep/v1/TraceRecord.js';

export interface TraceSpans {
  'records'?: (_lockstep_v1_TraceRecord)[];
  'dropped'?: (number);
}

export interface TraceSpans__Output {
  'records': (_lockstep_v1_TraceRecord__Output)[];
  'dropped': (number);
}
