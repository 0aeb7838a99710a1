import { elementBytes, type WireFormat } from '../../common/wire-format.js';
import type { Arena } from '../arena.js';
import type { WireFormats } from '../contract/wire-formats.js';

/** A binary floating-point format of IEEE 754's kind. */
interface Layout {
  /** Bits of the significand, the one that is not stored included. */
  readonly precision: number;
  /** Exponent of the smallest normal number. */
  readonly minExponent: number;
  /** Exponent of the largest number. */
  readonly maxExponent: number;
}

const LAYOUTS: Readonly<Record<WireFormat, Layout>> = {
  float32: { precision: 24, minExponent: -126, maxExponent: 127 },
  bfloat16: { precision: 8, minExponent: -126, maxExponent: 127 },
  float16: { precision: 11, minExponent: -14, maxExponent: 15 },
};

const scratch = new DataView(new ArrayBuffer(8));

/** ⌊log₂ |x|⌋, exactly; 0 and the subnormals of float64 are taken for smaller than every format's smallest number. */
function exponentOf(x: number): number {
  scratch.setFloat64(0, x);
  return ((scratch.getUint16(0) >>> 4) & 0x7ff) - 1023;
}

/** The nearest number of the format; of two equally near, the one whose last bit is 0. Zeros and infinities keep their sign. */
function nearest({ precision, minExponent, maxExponent }: Layout, x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const unit = 2 ** (Math.max(exponentOf(x), minExponent) - precision + 1);
  const units = Math.abs(x) / unit; // exact: a power of two
  const below = Math.floor(units);
  const isUp = units - below > 0.5 || (units - below === 0.5 && below % 2 === 1);
  const magnitude = (isUp ? below + 1 : below) * unit;
  const rounded = magnitude >= 2 ** (maxExponent + 1) ? Infinity : magnitude;
  return x < 0 ? -rounded : rounded;
}

/** The bits of a number that the format can hold. Every NaN becomes the quiet one, without sign and payload. */
function bitsOf({ precision, minExponent, maxExponent }: Layout, x: number): number {
  const fraction = precision - 1;
  const top = maxExponent - minExponent + 2;
  if (Number.isNaN(x)) return top * 2 ** fraction + 2 ** (fraction - 1);
  const sign = x < 0 || Object.is(x, -0) ? (top + 1) * 2 ** fraction : 0;
  if (!Number.isFinite(x)) return sign + top * 2 ** fraction;
  // The units of a normal number hold the bit that is not stored, which is what the exponent field counts from 1 for.
  const exponent = Math.max(exponentOf(x), minExponent);
  const units = Math.abs(x) / 2 ** (exponent - fraction);
  return sign + (exponent - minExponent) * 2 ** fraction + units;
}

/** The number that has these bits: sign, exponent field and fraction, as IEEE 754 defines them. */
function valueOf({ precision, minExponent, maxExponent }: Layout, bits: number): number {
  const fraction = precision - 1;
  const top = maxExponent - minExponent + 2;
  const signBit = (top + 1) * 2 ** fraction;
  const sign = bits >= signBit ? -1 : 1;
  const field = Math.floor((bits % signBit) / 2 ** fraction);
  const rest = bits % 2 ** fraction;
  if (field === top) return rest === 0 ? sign * Infinity : NaN;
  const units = field === 0 ? rest : 2 ** fraction + rest;
  return sign * units * 2 ** (minExponent + Math.max(field, 1) - 1 - fraction);
}

/** Rounding to the formats that numbers travel in. */
export function referenceWireFormats(arena: Arena): WireFormats {
  const data = arena.floats;
  return {
    roundTo(format, n, x) {
      for (let i = 0; i < n; i++) data[x + i] = nearest(LAYOUTS[format], data[x + i] as number);
    },

    addRounded(format, n, x, y) {
      const round = arena.precision === 'float32' ? Math.fround : (value: number): number => value;
      for (let i = 0; i < n; i++) {
        data[y + i] = nearest(LAYOUTS[format], round((data[y + i] as number) + (data[x + i] as number)));
      }
    },

    encode(format, n, x, bytes) {
      const width = elementBytes(format);
      for (let i = 0; i < n; i++) {
        const bits = bitsOf(LAYOUTS[format], nearest(LAYOUTS[format], data[x + i] as number));
        for (let b = 0; b < width; b++) arena.bytes[bytes + i * width + b] = Math.floor(bits / 256 ** b) % 256;
      }
    },

    decode(format, n, bytes, y) {
      const width = elementBytes(format);
      for (let i = 0; i < n; i++) {
        let bits = 0;
        for (let b = 0; b < width; b++) bits += (arena.bytes[bytes + i * width + b] as number) * 256 ** b;
        data[y + i] = valueOf(LAYOUTS[format], bits);
      }
    },
  };
}
