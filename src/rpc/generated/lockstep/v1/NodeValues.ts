// Original file: proto/lockstep/v1/lockstep.proto


export interface NodeValues {
  'level'?: (number);
  'index'?: (number);
  'values'?: (Buffer | Uint8Array | string);
}

export interface NodeValues__Output {
  'level': (number);
  'index': (number);
  'values': (Buffer);
}
