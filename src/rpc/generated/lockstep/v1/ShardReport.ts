// Original file: proto/lockstep/v1/lockstep.proto


export interface ShardReport {
  'shard'?: (number);
  'loss'?: (number | string);
  'correct'?: (number);
}

export interface ShardReport__Output {
  'shard': (number);
  'loss': (number);
  'correct': (number);
}
