import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/common/errors.js';
import { encodeSafetensors, readSafetensors, writeSafetensors, type Tensor } from '../../src/state/safetensors.js';
import { temporaryFolder } from './samples.js';

/** One tensor `w`, F32 [2], of the numbers 1 and −2.5, spelled out byte by byte from the specification. */
const HEADER = '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  ';
const BY_HAND = Uint8Array.from([
  HEADER.length,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  ...Buffer.from(HEADER),
  0x00,
  0x00,
  0x80,
  0x3f,
  0x00,
  0x00,
  0x20,
  0xc0,
]);

/** A file with any header, right or wrong. */
function fileOf(header: string | object, dataBytes: number): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

async function read(content: Uint8Array) {
  const path = join(await temporaryFolder(), 'file.safetensors');
  await writeFile(path, content);
  return readSafetensors(path);
}

async function roundTrip(tensors: readonly Tensor[], metadata: Record<string, string> = {}) {
  const path = join(await temporaryFolder(), 'file.safetensors');
  await writeSafetensors(path, tensors, metadata);
  return { file: await readSafetensors(path), bytes: await readFile(path) };
}

const tensorArbitrary: fc.Arbitrary<Tensor> = fc
  .tuple(
    fc.string({ unit: 'grapheme' }),
    fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
    fc.constantFrom('F32', 'U8', 'F64', 'F16'),
  )
  .chain(([name, shape, dtype]) => {
    const count = shape.reduce((product, dimension) => product * dimension, 1);
    if (dtype === 'F32') {
      return fc
        .float32Array({ minLength: count, maxLength: count })
        .map((data): Tensor => ({ name, shape, dtype, data }));
    }
    const length = count * { U8: 1, F64: 8, F16: 2 }[dtype];
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((data): Tensor => ({ name, shape, dtype, data }));
  });

const bytesOf = ({ data }: Tensor) => Buffer.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));

describe('the safetensors format', () => {
  it('is written as the specification spells it', () => {
    const parts = encodeSafetensors([{ name: 'w', dtype: 'F32', shape: [2], data: Float32Array.of(1, -2.5) }]);
    expect(Buffer.concat(parts)).toEqual(Buffer.from(BY_HAND));
  });

  it('is read as the specification spells it', async () => {
    const { tensors, metadata } = await read(BY_HAND);
    expect([...tensors.values()]).toEqual([{ name: 'w', dtype: 'F32', shape: [2], data: Float32Array.of(1, -2.5) }]);
    expect(metadata).toEqual({});
  });

  it('comes back as it went in, whatever the names, shapes, bits and metadata', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file.safetensors');
    await fc.assert(
      fc.asyncProperty(
        fc
          .uniqueArray(tensorArbitrary, { selector: ({ name }) => name, maxLength: 6 })
          .filter((all) => all.every(({ name }) => name !== '__metadata__')),
        fc.dictionary(fc.string(), fc.string({ unit: 'binary' }), { maxKeys: 4 }),
        async (tensors, metadata) => {
          // Not through the atomic write, which waits for the device each time.
          await writeFile(path, Buffer.concat(encodeSafetensors(tensors, metadata)));
          const file = await readSafetensors(path);
          expect({ ...file.metadata }).toEqual({ ...metadata });
          expect(file.tensors.size).toBe(tensors.length);
          for (const tensor of tensors) {
            const found = file.tensors.get(tensor.name);
            if (found === undefined) throw new Error(`${tensor.name} is missing`);
            expect([found.dtype, found.shape, bytesOf(found)]).toEqual([tensor.dtype, tensor.shape, bytesOf(tensor)]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps every bit of a float: NaN payloads, negative zero, subnormals', async () => {
    const bits = Uint32Array.of(0x7fc0_1234, 0xffc0_0001, 0x8000_0000, 0x0000_0001, 0x7f80_0000);
    const { file } = await roundTrip([{ name: 'w', dtype: 'F32', shape: [5], data: new Float32Array(bits.buffer) }]);
    const data = file.tensors.get('w')?.data;
    expect(new Uint32Array(data?.buffer ?? new ArrayBuffer(0))).toEqual(bits);
  });

  it('aligns the data section, and every tensor to its own elements, even after odd numbers of bytes', async () => {
    const { file, bytes } = await roundTrip([
      { name: 'mask', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) },
      { name: 'w', dtype: 'F32', shape: [1], data: Float32Array.of(4) },
      { name: 'd', dtype: 'F64', shape: [], data: new Uint8Array(8) },
      { name: 'b', dtype: 'F32', shape: [1], data: Float32Array.of(5) },
    ]);
    expect(Number(bytes.readBigUInt64LE(0)) % 8).toBe(0);
    expect([...file.tensors.keys()]).toEqual(['d', 'w', 'b', 'mask']);
  });

  it('takes a copy of shared memory before anything is awaited', async () => {
    const shared = new Float32Array(new SharedArrayBuffer(32), 4, 3);
    shared.set([1, 2, 3]);
    const path = join(await temporaryFolder(), 'file.safetensors');
    const written = writeSafetensors(path, [{ name: 'w', dtype: 'F32', shape: [3], data: shared }]);
    shared.fill(9);
    await written;
    expect((await readSafetensors(path)).tensors.get('w')?.data).toEqual(Float32Array.of(1, 2, 3));
  });

  it('refuses to write what it could not read', async () => {
    const w: Tensor = { name: 'w', dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) };
    expect(() => encodeSafetensors([w, w])).toThrow(/named w/);
    expect(() => encodeSafetensors([{ ...w, name: '__metadata__' }])).toThrow(/__metadata__/);
    expect(() => encodeSafetensors([{ ...w, shape: [3] }])).toThrow(/8 bytes.*needs 12/);
    await expect(writeSafetensors('/nowhere/at/all/w.safetensors', [w])).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('damaged safetensors files', () => {
  const f32 = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });
  const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['an empty file', new Uint8Array(0), /0 bytes are too few/],
    ['a file shorter than the length field', BY_HAND.subarray(0, 5), /5 bytes are too few/],
    [
      'a file cut inside the header',
      BY_HAND.subarray(0, 30),
      /header should have 56 bytes, but the file ends after 30/,
    ],
    ['a file cut inside the data', BY_HAND.subarray(0, -1), /has only 7: it is truncated/],
    [
      'a file with something added',
      Buffer.concat([BY_HAND, Buffer.alloc(3)]),
      /3 bytes at the end belong to no tensor/,
    ],
    ['a header length beyond reason', Buffer.alloc(64, 0xff), /header of \d+ bytes is over the limit/],
    ['a header that is no JSON', fileOf('{"w":', 0), /not JSON/],
    ['a header that is not UTF-8', Uint8Array.from([3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d]), /not JSON in UTF-8/],
    ['a header that starts otherwise', fileOf(' {}', 0), /does not start with {/],
    ['a header of another kind', fileOf('[1,2]', 0), /does not start with {/],
    ['an empty header', fileOf('', 0), /does not start with {/],
    ['overlapping tensors', fileOf({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12), /tensor b at byte 4 overlaps/],
    ['a gap between tensors', fileOf({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /bytes 4 to 8, before tensor b/],
    ['a gap at the start', fileOf({ a: f32([1], 4, 8) }, 8), /bytes 0 to 4, before tensor a/],
    ['offsets past the end', fileOf({ a: f32([4], 0, 16) }, 8), /ends at byte 16 .* has only 8/],
    [
      'offsets that contradict the shape',
      fileOf({ a: f32([3], 0, 8) }, 8),
      /F32 \[3\], needs 12 bytes but has offsets 0 to 8/,
    ],
    ['offsets in the wrong order', fileOf({ a: f32([0], 8, 0) }, 8), /needs 0 bytes but has offsets 8 to 0/],
    ['a shape beyond all numbers', fileOf({ a: f32([2 ** 40, 2 ** 40], 0, 8) }, 8), /needs 4.8\d*e\+24 bytes/],
    ['a negative dimension', fileOf({ a: f32([-1], 0, 4) }, 4), /tensor a lacks a dtype/],
    ['an unknown dtype', fileOf({ a: { dtype: 'F128', shape: [1], data_offsets: [0, 16] } }, 16), /unknown dtype F128/],
    [
      'a dtype that every object has',
      fileOf({ a: { dtype: 'toString', shape: [1], data_offsets: [0, 4] } }, 4),
      /unknown dtype/,
    ],
    ['a tensor without offsets', fileOf({ a: { dtype: 'F32', shape: [1] } }, 4), /tensor a lacks/],
    ['metadata other than texts', fileOf({ __metadata__: { step: 3 } }, 0), /__metadata__ is not an object of texts/],
  ];

  it.each(cases)('%s', async (_name, content, message) => {
    const error: unknown = await read(content).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LockstepError);
    expect(error).toMatchObject({ code: 'data' });
    expect(String(error)).toMatch(message);
    expect(String(error)).toContain('file.safetensors');
  });

  it('never crashes and never accepts a file that was cut anywhere', async () => {
    const path = join(await temporaryFolder(), 'cut.safetensors');
    for (let length = 0; length < BY_HAND.length; length++) {
      await writeFile(path, BY_HAND.subarray(0, length));
      await expect(readSafetensors(path)).rejects.toMatchObject({ code: 'data' });
    }
  });

  it('names a file that is not there', async () => {
    await expect(readSafetensors('missing.safetensors')).rejects.toMatchObject({
      code: 'usage',
      message: 'cannot read missing.safetensors: no such file or folder',
    });
  });
});
