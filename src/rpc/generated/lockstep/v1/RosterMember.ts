// Original file: proto/lockstep/v1/lockstep.proto

import type { MemoryOffer as _lockstep_v1_MemoryOffer, MemoryOffer__Output as _lockstep_v1_MemoryOffer__Output } from '../../lockstep/v1/MemoryOffer.js';

export interface RosterMember {
  'id'?: (string);
  'address'?: (string);
  'gradients'?: (_lockstep_v1_MemoryOffer | null);
}

export interface RosterMember__Output {
  'id': (string);
  'address': (string);
  'gradients': (_lockstep_v1_MemoryOffer__Output | null);
}
