// Original file: proto/lockstep/v1/lockstep.proto

export const WireFormat = {
  WIRE_FORMAT_UNSPECIFIED: 'WIRE_FORMAT_UNSPECIFIED',
  WIRE_FORMAT_FLOAT32: 'WIRE_FORMAT_FLOAT32',
  WIRE_FORMAT_BFLOAT16: 'WIRE_FORMAT_BFLOAT16',
  WIRE_FORMAT_FLOAT16: 'WIRE_FORMAT_FLOAT16',
} as const;

export type WireFormat =
  | 'WIRE_FORMAT_UNSPECIFIED'
  | 0
  | 'WIRE_FORMAT_FLOAT32'
  | 1
  | 'WIRE_FORMAT_BFLOAT16'
  | 2
  | 'WIRE_FORMAT_FLOAT16'
  | 3

export type WireFormat__Output = typeof WireFormat[keyof typeof WireFormat]
