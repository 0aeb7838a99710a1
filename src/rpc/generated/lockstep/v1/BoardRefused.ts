// Original file: proto/lockstep/v1/lockstep.proto


export interface BoardRefused {
  'epoch'?: (number);
  'reason'?: (string);
}

export interface BoardRefused__Output {
  'epoch': (number);
  'reason': (string);
}
