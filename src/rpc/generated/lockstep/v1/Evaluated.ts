// Original file: proto/lockstep/v1/lockstep.proto

import type { ShardScore as _lockstep_v1_ShardScore, ShardScore__Output as _lockstep_v1_ShardScore__Output } from '../../lockstep/v1/ShardScore.js';

export interface Evaluated {
  'request'?: (number);
  'shards'?: (_lockstep_v1_ShardScore)[];
}

export interface Evaluated__Output {
  'request': (number);
  'shards': (_lockstep_v1_ShardScore__Output)[];
}
