import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../../src/kernels/kernels.js';
import type { Workbench } from '../workbench.js';
import { bitsOf, expectSameBits, SIZES, uniform } from '../workbench.js';

type HalfFormat = 'bfloat16' | 'float16';

interface HalfLayout {
  readonly format: HalfFormat;
  /** Bits of ∞; below it all patterns without sign are numbers in ascending order. */
  readonly infinity: number;
  readonly quietNan: number;
  /** What a pattern below ∞ stands for. */
  readonly value: (pattern: number) => number;
  /** Patterns and what they are published to be. */
  readonly published: readonly (readonly [number, number])[];
}

const scratch = new DataView(new ArrayBuffer(4));

const LAYOUTS: readonly HalfLayout[] = [
  {
    format: 'float16',
    infinity: 0x7c00,
    quietNan: 0x7e00,
    value: (pattern) => {
      const [exponent, fraction] = [pattern >> 10, pattern & 0x3ff];
      return exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    },
    // The examples of the Wikipedia article on the half-precision format.
    published: [
      [0x0001, 0.000000059604645],
      [0x03ff, 0.000060975552],
      [0x0400, 0.00006103515625],
      [0x3555, 0.33325195],
      [0x3bff, 0.99951172],
      [0x3c00, 1],
      [0x3c01, 1.00097656],
      [0x7bff, 65504],
      [0xc000, -2],
    ],
  },
  {
    format: 'bfloat16',
    infinity: 0x7f80,
    quietNan: 0x7fc0,
    value: (pattern) => {
      scratch.setUint16(0, pattern);
      return scratch.getFloat32(0);
    },
    // The examples of the Wikipedia article on the bfloat16 format.
    published: [
      [0x3f80, 1],
      [0xc000, -2],
      [0x7f7f, 3.3895313892515355e38],
      [0x0080, 1.175494351e-38],
      [0x4049, 3.140625],
      [0x3eab, 0.333984375],
    ],
  },
];

/** The pattern nearest to x by search among all patterns, of two equally near the even one. */
function nearestPattern({ infinity, quietNan, value }: HalfLayout, x: number): number {
  if (Number.isNaN(x)) return quietNan;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(x);
  if (magnitude === Infinity) return sign + infinity;
  // The largest numbers are evenly spaced, and the place of ∞ is that of the one that would come next.
  const at = (pattern: number): number =>
    pattern < infinity ? value(pattern) : 2 * value(infinity - 1) - value(infinity - 2);
  let [low, high] = [0, infinity];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (at(middle) <= magnitude) low = middle;
    else high = middle - 1;
  }
  if (low === infinity) return sign + infinity;
  const [below, above] = [magnitude - at(low), at(low + 1) - magnitude];
  const isUp = above < below || (above === below && low % 2 === 1);
  return sign + low + (isUp ? 1 : 0);
}

/** Both neighbours of a float32 and itself. */
const around = (x: number): number[] => {
  const floats = Float32Array.of(x);
  const bits = new Uint32Array(floats.buffer);
  return [-1, 0, 1].map((step) => {
    floats[0] = x;
    if (x !== 0) bits[0] = (bits[0] ?? 0) + step;
    return floats[0];
  });
};

/** All ties between neighbouring numbers of the format, what lies beside them, and numbers of every size. */
function trials(layout: HalfLayout): Float32Array {
  const values: number[] = [
    0,
    Infinity,
    NaN,
    3.4028234663852886e38,
    2 ** -149,
    2 ** -126,
    65504,
    65519.996,
    65520,
    65536,
  ];
  for (let pattern = 0; pattern < layout.infinity; pattern += 1) {
    const [x, next] = [layout.value(pattern), layout.value(pattern + 1)];
    values.push(x, ...around(Number.isFinite(next) ? x / 2 + next / 2 : x * (1 + 2 ** -9)));
  }
  const [upper, lower] = [uniform(20_000, 90, 0, 2 ** 15), uniform(20_000, 91, 0, 2 ** 16)];
  const bits = Uint32Array.from(upper, (half, i) => Math.floor(half) * 2 ** 16 + (lower[i] ?? 0));
  const random = new Float32Array(bits.buffer);
  const positive = Float32Array.from([...values, ...random]);
  return Float32Array.from([...positive, ...positive.map((x) => -x)]);
}

/** The patterns that the kernel writes, from a position that is aligned to nothing. */
function encoded(kernels: Kernels, format: HalfFormat, values: Float32Array, at: number, bytes: number): Uint16Array {
  kernels.arena.floats.set(values, at);
  kernels.encode(format, values.length, at, bytes);
  return Uint16Array.from({ length: values.length }, (_, i) => {
    return (kernels.arena.bytes[bytes + 2 * i] ?? 0) + 256 * (kernels.arena.bytes[bytes + 2 * i + 1] ?? 0);
  });
}

export function describeWireFormats(bench: () => Workbench): void {
  describe.each(LAYOUTS)('wire format $format', (layout) => {
    const { format, infinity, quietNan, value, published } = layout;
    const ROOM = 1 << 20;
    const place = (): { readonly kernels: Kernels; readonly x: number; readonly bytes: number } => {
      const { kernels } = bench();
      const x = kernels.arena.floats.length - ROOM;
      return { kernels, x, bytes: (x + ROOM / 2) * kernels.arena.elementBytes + 1 };
    };
    const decodedOf = (patterns: Uint16Array): Float32Array => {
      const { kernels, x, bytes } = place();
      patterns.forEach((pattern, i) => {
        kernels.arena.bytes[bytes + 2 * i] = pattern % 256;
        kernels.arena.bytes[bytes + 2 * i + 1] = pattern >> 8;
      });
      kernels.decode(format, patterns.length, bytes, x);
      return Float32Array.from(kernels.arena.view(x, patterns.length));
    };
    const expectedValue = (pattern: number): number => {
      const magnitude = pattern & 0x7fff;
      const size = magnitude === infinity ? Infinity : magnitude > infinity ? NaN : value(magnitude);
      return pattern >= 0x8000 ? -size : size;
    };

    it('decodes every pattern, and encodes it again to the same bits', () => {
      const { kernels, x, bytes } = place();
      const patterns = Uint16Array.from({ length: 65_536 }, (_, pattern) => pattern);
      const decoded = decodedOf(patterns);
      for (const pattern of patterns) {
        const [actual = NaN, expected] = [decoded[pattern], expectedValue(pattern)];
        if (!Object.is(actual, expected)) expect.fail(`${pattern.toString(16)}: ${actual}, not ${expected}`);
      }
      const again = encoded(kernels, format, decoded, x, bytes);
      expect(again).toEqual(patterns.map((pattern) => ((pattern & 0x7fff) > infinity ? quietNan : pattern)));
    });

    it('agrees with published examples', () => {
      const decoded = decodedOf(Uint16Array.from(published, ([pattern]) => pattern));
      published.forEach(([, expected], i) => {
        expect(Math.abs((decoded[i] ?? NaN) / expected - 1)).toBeLessThan(2e-7);
      });
    });

    it('rounds to nearest, ties to even: all ties, their neighbours, and numbers of every size', () => {
      const { kernels, x, bytes } = place();
      const values = trials(layout);
      const patterns = encoded(kernels, format, values, x, bytes);
      values.forEach((input, i) => {
        const expected = nearestPattern(layout, input);
        if (patterns[i] !== expected) {
          expect.fail(`${input} became ${patterns[i]?.toString(16) ?? ''}, not ${expected.toString(16)}`);
        }
      });
      kernels.arena.floats.set(values, x);
      kernels.roundTo(format, values.length, x);
      expectSameBits([kernels.arena.view(x, values.length)], [decodedOf(patterns)], 'roundTo');
    });

    it('leaves the neighbours of its operands alone, at every length', () => {
      for (const n of [0, ...SIZES]) {
        const { kernels, x, bytes } = place();
        const values = uniform(n, 92, -3, 3);
        kernels.arena.bytes.fill(0xab, bytes - 16, bytes + 2 * n + 16);
        encoded(kernels, format, values, x, bytes);
        const border = [
          kernels.arena.bytes.slice(bytes - 16, bytes),
          kernels.arena.bytes.slice(bytes + 2 * n, bytes + 2 * n + 16),
        ];
        for (const side of border) expect(side).toEqual(new Uint8Array(16).fill(0xab));
        bench().run([values], (k, [at]) => k.roundTo(format, n, at));
        bench().run([values], (k, [at]) => k.decode(format, n, bytes, at));
      }
    });

    it('addRounded is an addition in float32, then the rounding', () => {
      for (const n of [...SIZES, 10_001]) {
        const [left, right] = [uniform(n, 93, -300, 300), uniform(n, 94, -1, 1)];
        const [, fused] = bench().run([right, left], (kernels, [x, y]) => kernels.addRounded(format, n, x, y));
        const [, apart] = bench().run([right, left], (kernels, [x, y]) => {
          kernels.add(n, x, y);
          kernels.roundTo(format, n, y);
        });
        expectSameBits([fused ?? []], [apart ?? []], 'addRounded');
        fused?.forEach((sum, i) => {
          const exact = Math.fround((left[i] ?? NaN) + (right[i] ?? NaN));
          expect(sum).toBe(expectedValue(nearestPattern(layout, exact)));
        });
      }
    });
  });

  describe('wire format float32', () => {
    it('is the number itself, byte by byte', () => {
      const { kernels } = bench();
      const x = kernels.arena.floats.length - 4096;
      const bytes = (x + 1024) * kernels.arena.elementBytes + 3;
      const values = Float32Array.from([...uniform(257, 95, -1e6, 1e6), 0, -0, Infinity, -Infinity, NaN, 2 ** -149]);
      kernels.arena.floats.set(values, x);
      kernels.roundTo('float32', values.length, x);
      kernels.encode('float32', values.length, x, bytes);
      const view = new DataView(kernels.arena.memory.buffer, bytes, 4 * values.length);
      values.forEach((value, i) => expect(Object.is(view.getFloat32(4 * i, true), value)).toBe(true));
      kernels.arena.floats.fill(0, x, x + values.length);
      kernels.decode('float32', values.length, bytes, x);
      expect(bitsOf(kernels.arena.view(x, values.length))).toEqual(bitsOf(values));
      const [left, right] = [uniform(33, 96), uniform(33, 97)];
      const [, sum] = bench().run([left, right], (k, [a, b]) => k.addRounded('float32', 33, a, b));
      const [, added] = bench().run([left, right], (k, [a, b]) => k.add(33, a, b));
      expectSameBits([sum ?? []], [added ?? []], 'addRounded');
    });
  });
}
