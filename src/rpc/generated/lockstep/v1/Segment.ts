// Original file: proto/lockstep/v1/lockstep.proto


export interface Segment {
  'pid'?: (number);
  'fd'?: (number);
  'bytes'?: (number);
  'nonce'?: (Buffer | Uint8Array | string);
  'socket'?: (string);
}

export interface Segment__Output {
  'pid': (number);
  'fd': (number);
  'bytes': (number);
  'nonce': (Buffer);
  'socket': (string);
}
