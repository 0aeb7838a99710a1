// Original file: proto/lockstep/v1/lockstep.proto

import type { Fence as _lockstep_v1_Fence, Fence__Output as _lockstep_v1_Fence__Output } from '../../lockstep/v1/Fence.js';
import type { ShardReport as _lockstep_v1_ShardReport, ShardReport__Output as _lockstep_v1_ShardReport__Output } from '../../lockstep/v1/ShardReport.js';
import type { ActiveUnits as _lockstep_v1_ActiveUnits, ActiveUnits__Output as _lockstep_v1_ActiveUnits__Output } from '../../lockstep/v1/ActiveUnits.js';

export interface StepReport {
  'fence'?: (_lockstep_v1_Fence | null);
  'shards'?: (_lockstep_v1_ShardReport)[];
  'computeMs'?: (number | string);
  'waitMs'?: (number | string);
  'activeUnits'?: (_lockstep_v1_ActiveUnits)[];
  'nonfiniteLayer'?: (number);
}

export interface StepReport__Output {
  'fence': (_lockstep_v1_Fence__Output | null);
  'shards': (_lockstep_v1_ShardReport__Output)[];
  'computeMs': (number);
  'waitMs': (number);
  'activeUnits': (_lockstep_v1_ActiveUnits__Output)[];
  'nonfiniteLayer': (number);
}
