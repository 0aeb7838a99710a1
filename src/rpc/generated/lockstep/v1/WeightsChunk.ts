// Original file: proto/lockstep/v1/lockstep.proto


export interface WeightsChunk {
  'version'?: (number);
  'offset'?: (number);
  'data'?: (Buffer | Uint8Array | string);
  'last'?: (boolean);
}

export interface WeightsChunk__Output {
  'version': (number);
  'offset': (number);
  'data': (Buffer);
  'last': (boolean);
}
