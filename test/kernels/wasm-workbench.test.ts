import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normal, uniform53 } from '../../src/common/random/normal.js';
import { philox4x32 } from '../../src/common/random/philox.js';
import { instantiateWasm } from '../../src/kernels/wasm/module.js';
import { BLOCK_BYTES, WasmWorkbench } from '../../src/kernels/wasm/workbench.js';
import { bits, randomNumbers } from './wasm-fixture.js';

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('normal numbers of the WASM kernels', () => {
  it('have the bits of those drawn in JavaScript, whatever the length and the key', () => {
    const workbench = new WasmWorkbench();
    const perBlock = BLOCK_BYTES / 4;
    const length = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: perBlock - 3, max: perBlock + 3 }));
    fc.assert(
      fc.property(length, word, word, word, fc.double({ min: 1e-3, max: 10, noNaN: true }), (count, ...rest) => {
        const [seed, purpose, tensor, deviation] = rest;
        const words = new Uint32Array(4);
        const expected = Float32Array.from({ length: count }, (_, i) => {
          philox4x32(i >>> 1, tensor, 0, 0, seed, purpose, words);
          const [high, low] = i % 2 === 0 ? [words[0], words[1]] : [words[2], words[3]];
          return normal(uniform53(high ?? NaN, low ?? NaN)) * deviation;
        });
        const drawn = new Float32Array(count).fill(NaN);
        workbench.drawNormal(drawn, { seed, purpose, tensor, deviation });
        expect(bits(drawn)).toEqual(bits(expected));
      }),
      { numRuns: 30 },
    );
  });

  it('agree in the tails, which a model hardly ever draws from', () => {
    const wasm = instantiateWasm(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
    const nearNone = fc.double({ min: 2 ** -53, max: 1e-11, noNaN: true });
    const any = fc.double({ min: 2 ** -53, max: 1 - 2 ** -53, noNaN: true });
    fc.assert(
      fc.property(
        fc.oneof(
          nearNone,
          nearNone.map((u) => 1 - u),
          any,
          fc.constantFrom(0.075, 0.5, 0.925, 1e-11, 1.5e-11),
        ),
        (u) => {
          expect(wasm.normal(u)).toBe(normal(u));
        },
      ),
      { numRuns: 5000 },
    );
  });
});

describe('moments of bytes', () => {
  const workbench = new WasmWorkbench();
  const momentsOf = (bytes: Uint8Array) => {
    workbench.bytes.fill(0xaa);
    workbench.bytes.set(bytes);
    return workbench.momentsOfBytes(bytes.length);
  };

  it('are exact for any bytes and any length', () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 100 });
    fc.assert(
      fc.property(bytes, (values) => {
        const [sum, squares] = [0, 1].map((power) => values.reduce((total, x) => total + x * x ** power, 0));
        expect(momentsOf(values)).toEqual({ sum, squares });
      }),
    );
  });

  it('do not overflow where every byte is the largest', () => {
    const count = BLOCK_BYTES;
    expect(momentsOf(new Uint8Array(count).fill(255))).toEqual({ sum: 255 * count, squares: 255 * 255 * count });
    // More than one round of vectors, which only a longer memory than the workbench's holds.
    const memory = new WebAssembly.Memory({ initial: 8, maximum: 8, shared: true });
    const long = 5 * 65_536 + 7;
    new Uint8Array(memory.buffer, 65_536, long).fill(255);
    instantiateWasm(memory).byteMoments(long, 65_536, 1024);
    expect([...new Float64Array(memory.buffer, 1024, 2)]).toEqual([255 * long, 255 * 255 * long]);
  });

  it('count every byte of a block once', () => {
    const bytes = Uint8Array.from(randomNumbers(BLOCK_BYTES, 5), (x) => (x + 1) * 128);
    expect(momentsOf(bytes).sum).toBe(bytes.reduce((total, x) => total + x, 0));
  });
});
