// Original file: proto/lockstep/v1/lockstep.proto

import type { Fence as _lockstep_v1_Fence, Fence__Output as _lockstep_v1_Fence__Output } from '../../lockstep/v1/Fence.js';
import type { NodeValues as _lockstep_v1_NodeValues, NodeValues__Output as _lockstep_v1_NodeValues__Output } from '../../lockstep/v1/NodeValues.js';

export interface ExchangeNodes {
  'fence'?: (_lockstep_v1_Fence | null);
  'exchange'?: (number);
  'nodes'?: (_lockstep_v1_NodeValues)[];
}

export interface ExchangeNodes__Output {
  'fence': (_lockstep_v1_Fence__Output | null);
  'exchange': (number);
  'nodes': (_lockstep_v1_NodeValues__Output)[];
}
