// Original file: proto/lockstep/v1/lockstep.proto

import type { Fence as _lockstep_v1_Fence, Fence__Output as _lockstep_v1_Fence__Output } from '../../lockstep/v1/Fence.js';

export interface ExchangeResult {
  'fence'?: (_lockstep_v1_Fence | null);
  'exchange'?: (number);
  'values'?: (Buffer | Uint8Array | string);
}

export interface ExchangeResult__Output {
  'fence': (_lockstep_v1_Fence__Output | null);
  'exchange': (number);
  'values': (Buffer);
}
