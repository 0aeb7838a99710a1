// Original file: proto/lockstep/v1/lockstep.proto

import type { RosterMember as _lockstep_v1_RosterMember, RosterMember__Output as _lockstep_v1_RosterMember__Output } from '../../lockstep/v1/RosterMember.js';
import type { MemoryOffer as _lockstep_v1_MemoryOffer, MemoryOffer__Output as _lockstep_v1_MemoryOffer__Output } from '../../lockstep/v1/MemoryOffer.js';

export interface Roster {
  'epoch'?: (number);
  'collective'?: (string);
  'bucketElements'?: (number);
  'members'?: (_lockstep_v1_RosterMember)[];
  'board'?: (_lockstep_v1_MemoryOffer | null);
}

export interface Roster__Output {
  'epoch': (number);
  'collective': (string);
  'bucketElements': (number);
  'members': (_lockstep_v1_RosterMember__Output)[];
  'board': (_lockstep_v1_MemoryOffer__Output | null);
}
