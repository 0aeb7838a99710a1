/**
 * Rounding to what tensors travel in, and the bytes of it.
 *
 * Rounding is to nearest, ties to even; what is too large becomes ±∞, subnormal numbers are kept, zeros keep their sign. A
 * NaN stays one; 16-bit formats know a single one, the quiet NaN without sign and payload. Numbers of 4 or 2 bytes lie
 * one after another, little-endian, from a position in BYTES from the start of the arena; any position will do.
 * encode, then decode, is roundTo.
 */
import type { WireFormat } from '../../common/wire-format.js';
import type { Offset } from '../arena.js';

export interface WireFormats {
  /** x = the nearest number that the format can hold. */
  roundTo(format: WireFormat, n: number, x: Offset): void;
  /** y = y + x, rounded to float32 and then to the format: a node of a reduction tree whose numbers travel in the format. */
  addRounded(format: WireFormat, n: number, x: Offset, y: Offset): void;
  /** Writes the n numbers at x to `bytes`, rounded as roundTo does. */
  encode(format: WireFormat, n: number, x: Offset, bytes: number): void;
  /** y = the n numbers written at `bytes`. */
  decode(format: WireFormat, n: number, bytes: number, y: Offset): void;
}
