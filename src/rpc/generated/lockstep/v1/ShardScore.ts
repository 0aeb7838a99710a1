// Original file: proto/lockstep/v1/lockstep.proto

import type { Spread as _lockstep_v1_Spread, Spread__Output as _lockstep_v1_Spread__Output } from '../../lockstep/v1/Spread.js';
import type { Misjudged as _lockstep_v1_Misjudged, Misjudged__Output as _lockstep_v1_Misjudged__Output } from '../../lockstep/v1/Misjudged.js';

export interface ShardScore {
  'shard'?: (number);
  'loss'?: (number | string);
  'correct'?: (number);
  'confusion'?: (number)[];
  'positiveScores'?: (Buffer | Uint8Array | string);
  'negativeScores'?: (Buffer | Uint8Array | string);
  'absoluteError'?: (number | string);
  'targets'?: (_lockstep_v1_Spread | null);
  'misjudged'?: (_lockstep_v1_Misjudged)[];
}

export interface ShardScore__Output {
  'shard': (number);
  'loss': (number);
  'correct': (number);
  'confusion': (number)[];
  'positiveScores': (Buffer);
  'negativeScores': (Buffer);
  'absoluteError': (number);
  'targets': (_lockstep_v1_Spread__Output | null);
  'misjudged': (_lockstep_v1_Misjudged__Output)[];
}
