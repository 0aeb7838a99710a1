// Original file: proto/lockstep/v1/lockstep.proto


export interface Welcome {
  'workerId'?: (string);
  'runId'?: (string);
  'jobJson'?: (string);
  'baseDir'?: (string);
  'dataFingerprint'?: (string);
  'mean'?: (Buffer | Uint8Array | string);
  'inverseDeviation'?: (Buffer | Uint8Array | string);
}

export interface Welcome__Output {
  'workerId': (string);
  'runId': (string);
  'jobJson': (string);
  'baseDir': (string);
  'dataFingerprint': (string);
  'mean': (Buffer);
  'inverseDeviation': (Buffer);
}
