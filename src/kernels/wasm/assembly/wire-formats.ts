/**
 * Rounding to bfloat16 and float16, and their bits; contract: src/kernels/contract/wire-formats.ts. To nearest, ties to even, by integer
 * operations on the bits of four float32 at a time. Every NaN becomes the quiet one, so that no payload, which WebAssembly
 * leaves open, enters a result.
 */
import { loadOne, storeOne } from './vector';

const SIGN: i32 = 0x80000000;
/** Bits of float32 numbers. */
const INFINITY: i32 = 0x7f800000;
const QUIET_NAN: i32 = 0x7fc00000;
const SMALLEST_NORMAL: i32 = 113 << 23; // 2⁻¹⁴, the smallest normal float16
const TOO_LARGE: i32 = 143 << 23; // 2¹⁶
/** From the exponent of a float16 to that of a float32, 127 − 15. */
const REBIAS: i32 = 112 << 23;

/** `x` where it is a number, else `nan`. */
@inline
function numberOr(nan: i32, test: v128, x: v128): v128 {
  return v128.bitselect(x, i32x4.splat(nan), f32x4.eq(test, test));
}

/** Half a unit of the last bit that stays, less one where that bit is even: adding it rounds to nearest, ties to even. */
@inline
function roundUp(x: v128, droppedBits: i32): v128 {
  const odd = v128.and(i32x4.shr_u(x, droppedBits), i32x4.splat(1));
  return i32x4.add(x, i32x4.add(odd, i32x4.splat((1 << (droppedBits - 1)) - 1)));
}

/** A bfloat16 in the upper half of each lane, anything in the lower one. Too large a number carries over into ∞. */
@inline
function bfloat16(x: v128): v128 {
  return numberOr(QUIET_NAN, x, roundUp(x, 16));
}

@inline
function roundedBfloat16(x: v128): v128 {
  return v128.and(bfloat16(x), i32x4.splat(0xffff0000));
}

@inline
function bitsOfBfloat16(x: v128): v128 {
  return i32x4.shr_u(bfloat16(x), 16);
}

@inline
function valueOfBfloat16(bits: v128): v128 {
  const x = i32x4.shl(bits, 16);
  return numberOr(QUIET_NAN, x, x);
}

/**
 * c = 1.5·2^(e + 13) or 2^(e + 13), where e is the exponent of x or −14, whichever is larger: the unit in the last place
 * of x + c is that of a float16 of exponent e, so the addition rounds to it. Half as much again lets x be negative.
 */
@inline
function exponentField(x: v128): v128 {
  return i32x4.max_s(v128.and(x, i32x4.splat(INFINITY)), i32x4.splat(SMALLEST_NORMAL));
}

@inline
function roundedFloat16(x: v128): v128 {
  const sign = v128.and(x, i32x4.splat(SIGN));
  const c = i32x4.add(exponentField(x), i32x4.splat((13 << 23) + (1 << 22)));
  const y = f32x4.sub(f32x4.add(x, c), c);
  const magnitude = f32x4.abs(y);
  const finite = f32x4.lt(magnitude, i32x4.splat(TOO_LARGE));
  const size = v128.bitselect(magnitude, i32x4.splat(INFINITY), finite);
  return numberOr(QUIET_NAN, x, v128.or(size, sign));
}

/**
 * The 16 bits in the lower half of each lane; for a NaN anything. What x + c is beyond c are the units of x: a significand
 * with the bit that is not stored, which is what the exponent, counted from 0 at −14, then begins at.
 */
@inline
function bitsOfNumber(x: v128): v128 {
  // 2¹⁶ stands for everything above it: one more than the largest exponent and no fraction are the bits of ∞.
  const magnitude = f32x4.pmin(f32x4.abs(x), i32x4.splat(TOO_LARGE));
  const field = exponentField(magnitude);
  const c = i32x4.add(field, i32x4.splat(13 << 23));
  const units = i32x4.sub(f32x4.add(magnitude, c), c);
  const bits = i32x4.add(i32x4.sub(units, i32x4.splat(SMALLEST_NORMAL >> 13)), i32x4.shr_u(field, 13));
  return v128.or(bits, v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000)));
}

@inline
function bitsOfFloat16(x: v128): v128 {
  return numberOr(0x7e00, x, bitsOfNumber(x));
}

@inline
function valueOfFloat16(bits: v128): v128 {
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  const magnitude = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
  const normal = i32x4.add(magnitude, i32x4.splat(REBIAS));
  // 2⁻¹⁴·(1 + m) − 2⁻¹⁴, which is exact.
  const smallest = i32x4.splat(SMALLEST_NORMAL);
  const subnormal = f32x4.sub(i32x4.add(magnitude, smallest), smallest);
  const infinity = i32x4.splat(31 << 23);
  let y = v128.bitselect(subnormal, normal, i32x4.lt_s(magnitude, i32x4.splat(1 << 23)));
  y = v128.bitselect(y, i32x4.splat(INFINITY), i32x4.lt_s(magnitude, infinity));
  return v128.bitselect(i32x4.splat(QUIET_NAN), v128.or(y, sign), i32x4.gt_s(magnitude, infinity));
}

/** Eight numbers of 16 bits from two vectors with one in each lane. */
@inline
function packed(first: v128, second: v128): v128 {
  return i16x8.narrow_i32x4_u(first, second);
}

@inline
function storeBits(address: usize, bits: v128): void {
  v128.store_lane<u16>(address, bits, 0);
}

@inline
function loadBits(address: usize): v128 {
  return i32x4.splat(<i32>load<u16>(address));
}

export function roundToBfloat16(n: i32, x: usize): void {
  for (; n >= 4; n -= 4, x += 16) v128.store(x, roundedBfloat16(v128.load(x)));
  for (; n > 0; n--, x += 4) storeOne(x, roundedBfloat16(loadOne(x)));
}

export function roundToFloat16(n: i32, x: usize): void {
  for (; n >= 4; n -= 4, x += 16) v128.store(x, roundedFloat16(v128.load(x)));
  for (; n > 0; n--, x += 4) storeOne(x, roundedFloat16(loadOne(x)));
}

export function addRoundedBfloat16(n: i32, x: usize, y: usize): void {
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, roundedBfloat16(f32x4.add(v128.load(y), v128.load(x))));
  for (; n > 0; n--, x += 4, y += 4) storeOne(y, roundedBfloat16(f32x4.add(loadOne(y), loadOne(x))));
}

export function addRoundedFloat16(n: i32, x: usize, y: usize): void {
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, roundedFloat16(f32x4.add(v128.load(y), v128.load(x))));
  for (; n > 0; n--, x += 4, y += 4) storeOne(y, roundedFloat16(f32x4.add(loadOne(y), loadOne(x))));
}

export function encodeBfloat16(n: i32, x: usize, bytes: usize): void {
  for (; n >= 8; n -= 8, x += 32, bytes += 16) {
    v128.store(bytes, packed(bitsOfBfloat16(v128.load(x)), bitsOfBfloat16(v128.load(x, 16))));
  }
  for (; n > 0; n--, x += 4, bytes += 2) storeBits(bytes, bitsOfBfloat16(loadOne(x)));
}

export function encodeFloat16(n: i32, x: usize, bytes: usize): void {
  for (; n >= 8; n -= 8, x += 32, bytes += 16) {
    const x0 = v128.load(x), x1 = v128.load(x, 16);
    if (v128.any_true(v128.or(f32x4.ne(x0, x0), f32x4.ne(x1, x1)))) {
      v128.store(bytes, packed(bitsOfFloat16(x0), bitsOfFloat16(x1)));
    } else {
      v128.store(bytes, packed(bitsOfNumber(x0), bitsOfNumber(x1)));
    }
  }
  for (; n > 0; n--, x += 4, bytes += 2) storeBits(bytes, bitsOfFloat16(loadOne(x)));
}

export function decodeBfloat16(n: i32, bytes: usize, y: usize): void {
  for (; n >= 8; n -= 8, bytes += 16, y += 32) {
    const bits = v128.load(bytes);
    v128.store(y, valueOfBfloat16(i32x4.extend_low_i16x8_u(bits)));
    v128.store(y, valueOfBfloat16(i32x4.extend_high_i16x8_u(bits)), 16);
  }
  for (; n > 0; n--, bytes += 2, y += 4) storeOne(y, valueOfBfloat16(loadBits(bytes)));
}

export function decodeFloat16(n: i32, bytes: usize, y: usize): void {
  for (; n >= 8; n -= 8, bytes += 16, y += 32) {
    const bits = v128.load(bytes);
    v128.store(y, valueOfFloat16(i32x4.extend_low_i16x8_u(bits)));
    v128.store(y, valueOfFloat16(i32x4.extend_high_i16x8_u(bits)), 16);
  }
  for (; n > 0; n--, bytes += 2, y += 4) storeOne(y, valueOfFloat16(loadBits(bytes)));
}
