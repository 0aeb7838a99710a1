// Original file: proto/lockstep/v1/lockstep.proto


export interface Ready {
  'dataFingerprint'?: (string);
}

export interface Ready__Output {
  'dataFingerprint': (string);
}
