// Original file: proto/lockstep/v1/lockstep.proto

import type { Fence as _lockstep_v1_Fence, Fence__Output as _lockstep_v1_Fence__Output } from '../../lockstep/v1/Fence.js';

export interface GradientChunk {
  'fence'?: (_lockstep_v1_Fence | null);
  'level'?: (number);
  'index'?: (number);
  'offset'?: (number);
  'data'?: (Buffer | Uint8Array | string);
}

export interface GradientChunk__Output {
  'fence': (_lockstep_v1_Fence__Output | null);
  'level': (number);
  'index': (number);
  'offset': (number);
  'data': (Buffer);
}
