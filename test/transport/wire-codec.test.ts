import { describe, expect, it } from 'vitest';
import type { WireFormat } from '../../src/common/wire-format.js';
import type { Piece } from '../../src/protocol/piece.js';
import { ROOT, misalignment } from '../../src/protocol/piece.js';
import { WireCodec } from '../../src/transport/wire-codec.js';

const PARAMETERS = 200_000;

/** Numbers that bfloat16 and float16 both hold exactly. */
const values = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => ((i % 255) - 127) / 64);

function piece(kind: Piece['kind'], start: number, numbers: Float32Array, step = 3): Piece {
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  const fence = { epoch: 1, step, attempt: 1 };
  return { kind, fence, node: ROOT, start, count: numbers.length, format: 'float32', bytes };
}

const floats = ({ bytes }: Piece): Float32Array => new Float32Array(bytes.slice().buffer);

describe('the wire codec', () => {
  const cases: [Piece['kind'], WireFormat, 'float32' | 'bfloat16', WireFormat][] = [
    ['gradient', 'bfloat16', 'float32', 'bfloat16'],
    ['sum', 'float16', 'bfloat16', 'float16'],
    ['weights', 'float16', 'bfloat16', 'bfloat16'],
    ['weights', 'bfloat16', 'float32', 'float32'],
  ];
  it.each(cases)('sends %s, for gradients in %s and weights in %s, as %s', (kind, gradients, weights, expected) => {
    const codec = new WireCodec({ gradients, weights, parameterElements: PARAMETERS });
    const numbers = values(70_001);
    const sent = codec.encode(piece(kind, 10, numbers));
    expect(sent.format).toBe(expected);
    expect(sent.bytes.length).toBe(numbers.length * (expected === 'float32' ? 4 : 2));
    const received = codec.decode({ ...sent, bytes: sent.bytes.slice() });
    expect(received.format).toBe('float32');
    expect(Buffer.from(numbers.buffer).equals(received.bytes)).toBe(true);
  });

  it('leaves running statistics alone', () => {
    const codec = new WireCodec({ gradients: 'bfloat16', weights: 'bfloat16', parameterElements: PARAMETERS });
    const statistics = piece('weights', PARAMETERS, Float32Array.of(1.0000001, 2));
    expect(codec.encode(statistics)).toBe(statistics);
  });

  it('decodes a part of what was sent, wherever it was cut', () => {
    const codec = new WireCodec({ gradients: 'bfloat16', weights: 'float32', parameterElements: PARAMETERS });
    const sent = codec.encode(piece('gradient', 0, values(1000)));
    const part = { ...sent, start: 300, count: 500, bytes: sent.bytes.slice(600, 1600) };
    expect(floats(codec.decode(part))).toEqual(values(1000).slice(300, 800));
  });

  it.each([0, 1, 2, 3])('decodes a part that begins at element %i modulo 4, and says the same of itself', (start) => {
    const codec = new WireCodec({ gradients: 'bfloat16', weights: 'float32', parameterElements: PARAMETERS });
    const sent = codec.encode(piece('gradient', start, values(37)));
    const received = codec.decode(sent);
    expect(floats(received)).toEqual(values(37));
    // Where it can be copied in words to a vector that begins on a multiple of 8.
    expect(received.bytes.byteOffset % 8).toBe(misalignment(received));
  });

  it('refuses a piece that is longer than any that travels', () => {
    const codec = new WireCodec({ gradients: 'bfloat16', weights: 'float32', parameterElements: PARAMETERS });
    const count = 2 ** 19 + 1;
    const long: Piece = {
      ...piece('gradient', 0, values(1)),
      count,
      format: 'bfloat16',
      bytes: new Uint8Array(2 * count),
    };
    expect(() => codec.decode(long)).toThrow(/524289 elements in bfloat16 is too long/);
  });

  it('encodes a version once for all receivers, and the next version in its place', () => {
    const codec = new WireCodec({ gradients: 'float32', weights: 'bfloat16', parameterElements: PARAMETERS });
    const first = codec.encode(piece('weights', 0, values(100), 1));
    expect(codec.encode(piece('weights', 0, values(100), 1)).bytes).toBe(first.bytes);
    const doubled = values(100).map((value) => 2 * value);
    const next = codec.encode(piece('weights', 0, doubled, 2));
    expect(next.bytes).toBe(first.bytes);
    expect(floats(codec.decode(next))).toEqual(doubled);
  });
});
