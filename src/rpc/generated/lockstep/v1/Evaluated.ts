// Original file: proto/lockstep/v1/lockstep.proto

import type { ShardReport as _lockstep_v1_ShardReport, ShardReport__Output as _lockstep_v1_ShardReport__Output } from '../../lockstep/v1/ShardReport.js';

export interface Evaluated {
  'request'?: (number);
  'shards'?: (_lockstep_v1_ShardReport)[];
}

export interface Evaluated__Output {
  'request': (number);
  'shards': (_lockstep_v1_ShardReport__Output)[];
}
