// Original file: proto/lockstep/v1/lockstep.proto


export interface Segment {
  'path'?: (string);
  'bytes'?: (number);
  'nonce'?: (Buffer | Uint8Array | string);
  'socket'?: (string);
}

export interface Segment__Output {
  'path': (string);
  'bytes': (number);
  'nonce': (Buffer);
  'socket': (string);
}
