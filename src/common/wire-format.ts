/**
 * How a number is written on its way between processes, always little-endian.
 *
 *   float32    IEEE 754 binary32
 *   bfloat16   the upper half of a float32: its range, with 8 significant bits
 *   float16    IEEE 754 binary16: 11 significant bits, up to 65504, subnormal below 2⁻¹⁴
 */
export type WireFormat = 'float32' | 'bfloat16' | 'float16';

/** Bytes of one element. */
export function elementBytes(format: WireFormat): 2 | 4 {
  return format === 'float32' ? 4 : 2;
}
