// Original file: proto/lockstep/v1/lockstep.proto

import type { RosterMember as _lockstep_v1_RosterMember, RosterMember__Output as _lockstep_v1_RosterMember__Output } from '../../lockstep/v1/RosterMember.js';

export interface Roster {
  'epoch'?: (number);
  'collective'?: (string);
  'bucketElements'?: (number);
  'members'?: (_lockstep_v1_RosterMember)[];
}

export interface Roster__Output {
  'epoch': (number);
  'collective': (string);
  'bucketElements': (number);
  'members': (_lockstep_v1_RosterMember__Output)[];
}
