// Original file: proto/lockstep/v1/lockstep.proto

import type { Long } from '@grpc/proto-loader';

export interface MemoryOffer {
  'pid'?: (number);
  'fd'?: (number);
  'bytes'?: (number | string | Long);
  'nonce'?: (Buffer | Uint8Array | string);
  'hostId'?: (string);
}

export interface MemoryOffer__Output {
  'pid': (number);
  'fd': (number);
  'bytes': (number);
  'nonce': (Buffer);
  'hostId': (string);
}
