// Original file: proto/lockstep/v1/lockstep.proto

import type { Fence as _lockstep_v1_Fence, Fence__Output as _lockstep_v1_Fence__Output } from '../../lockstep/v1/Fence.js';

export interface Plan {
  'fence'?: (_lockstep_v1_Fence | null);
  'weightsVersion'?: (number);
  'dataEpoch'?: (number);
  'firstPosition'?: (number);
  'batchCount'?: (number);
  'firstShard'?: (number);
  'endShard'?: (number);
  'lossScale'?: (number | string);
  'ahead'?: (boolean);
}

export interface Plan__Output {
  'fence': (_lockstep_v1_Fence__Output | null);
  'weightsVersion': (number);
  'dataEpoch': (number);
  'firstPosition': (number);
  'batchCount': (number);
  'firstShard': (number);
  'endShard': (number);
  'lossScale': (number);
  'ahead': (boolean);
}
