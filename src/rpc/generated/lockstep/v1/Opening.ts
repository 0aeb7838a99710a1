// Original file: proto/lockstep/v1/lockstep.proto

import type { Segment as _lockstep_v1_Segment, Segment__Output as _lockstep_v1_Segment__Output } from '../../lockstep/v1/Segment.js';

export interface Opening {
  'segment'?: (_lockstep_v1_Segment | null);
  'refusal'?: (string);
}

export interface Opening__Output {
  'segment': (_lockstep_v1_Segment__Output | null);
  'refusal': (string);
}
