// Original file: proto/lockstep/v1/lockstep.proto


export interface Fence {
  'epoch'?: (number);
  'step'?: (number);
  'attempt'?: (number);
}

export interface Fence__Output {
  'epoch': (number);
  'step': (number);
  'attempt': (number);
}
