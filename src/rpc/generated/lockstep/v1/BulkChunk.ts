// Original file: proto/lockstep/v1/lockstep.proto

import type { Opening as _lockstep_v1_Opening, Opening__Output as _lockstep_v1_Opening__Output } from '../../lockstep/v1/Opening.js';
import type { PieceChunk as _lockstep_v1_PieceChunk, PieceChunk__Output as _lockstep_v1_PieceChunk__Output } from '../../lockstep/v1/PieceChunk.js';

export interface BulkChunk {
  'opening'?: (_lockstep_v1_Opening | null);
  'piece'?: (_lockstep_v1_PieceChunk | null);
  'content'?: "opening"|"piece";
}

export interface BulkChunk__Output {
  'opening'?: (_lockstep_v1_Opening__Output | null);
  'piece'?: (_lockstep_v1_PieceChunk__Output | null);
  'content'?: "opening"|"piece";
}
