// Original file: proto/lockstep/v1/lockstep.proto

import type { PieceKind as _lockstep_v1_PieceKind, PieceKind__Output as _lockstep_v1_PieceKind__Output } from '../../lockstep/v1/PieceKind.js';
import type { Fence as _lockstep_v1_Fence, Fence__Output as _lockstep_v1_Fence__Output } from '../../lockstep/v1/Fence.js';
import type { WireFormat as _lockstep_v1_WireFormat, WireFormat__Output as _lockstep_v1_WireFormat__Output } from '../../lockstep/v1/WireFormat.js';

export interface PieceChunk {
  'kind'?: (_lockstep_v1_PieceKind);
  'fence'?: (_lockstep_v1_Fence | null);
  'level'?: (number);
  'index'?: (number);
  'start'?: (number);
  'count'?: (number);
  'format'?: (_lockstep_v1_WireFormat);
  'padding'?: (Buffer | Uint8Array | string);
  'data'?: (Buffer | Uint8Array | string);
}

export interface PieceChunk__Output {
  'kind': (_lockstep_v1_PieceKind__Output);
  'fence': (_lockstep_v1_Fence__Output | null);
  'level': (number);
  'index': (number);
  'start': (number);
  'count': (number);
  'format': (_lockstep_v1_WireFormat__Output);
  'padding': (Buffer);
  'data': (Buffer);
}
