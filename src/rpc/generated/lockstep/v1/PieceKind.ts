// Original file: proto/lockstep/v1/lockstep.proto

export const PieceKind = {
  PIECE_KIND_UNSPECIFIED: 'PIECE_KIND_UNSPECIFIED',
  PIECE_KIND_GRADIENT: 'PIECE_KIND_GRADIENT',
  PIECE_KIND_SUM: 'PIECE_KIND_SUM',
  PIECE_KIND_WEIGHTS: 'PIECE_KIND_WEIGHTS',
} as const;

export type PieceKind =
  | 'PIECE_KIND_UNSPECIFIED'
  | 0
  | 'PIECE_KIND_GRADIENT'
  | 1
  | 'PIECE_KIND_SUM'
  | 2
  | 'PIECE_KIND_WEIGHTS'
  | 3

export type PieceKind__Output = typeof PieceKind[keyof typeof PieceKind]
