// Original file: proto/lockstep/v1/lockstep.proto


export interface Shutdown {
  'reason'?: (string);
  'message'?: (string);
}

export interface Shutdown__Output {
  'reason': (string);
  'message': (string);
}
