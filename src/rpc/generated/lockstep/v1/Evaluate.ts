// Original file: proto/lockstep/v1/lockstep.proto


export interface Evaluate {
  'request'?: (number);
  'weightsVersion'?: (number);
  'split'?: (string);
  'firstShard'?: (number);
  'endShard'?: (number);
  'mistakes'?: (number);
}

export interface Evaluate__Output {
  'request': (number);
  'weightsVersion': (number);
  'split': (string);
  'firstShard': (number);
  'endShard': (number);
  'mistakes': (number);
}
