import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { protocol } from '../../src/rpc/proto.js';
import { HEADER_BYTES, decodePiece, encodeHead } from '../../src/transport/chunk-codec.js';
import { MessageAssembler, frameMessage } from '../../src/transport/grpc-frame.js';
import { ROOT, misalignment, type Piece } from '../../src/protocol/piece.js';

const word = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffff_ffff }));
const anyPiece = fc
  .record({
    kind: fc.constantFrom('gradient' as const, 'sum' as const, 'weights' as const),
    fence: fc.record({ epoch: word, step: word, attempt: word }),
    node: fc.record({ level: fc.nat(40), index: word }),
    start: word,
    // Around the lengths at which a varint gets a byte more.
    bytes: fc.oneof(fc.nat(200), fc.integer({ min: 16_250, max: 16_450 })).map((n) => n - (n % 4)),
    format: fc.constantFrom('float32' as const, 'bfloat16' as const, 'float16' as const),
  })
  .map(({ bytes, node, ...rest }): Piece => {
    const count = bytes / (rest.format === 'float32' ? 4 : 2);
    const data = new Uint8Array(bytes).map((_, i) => i * 3);
    return { ...rest, node: node.level + node.index === 0 ? ROOT : node, count, bytes: data };
  });

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex');

describe('an encoded piece', () => {
  it('is a BulkChunk to the decoder of the protocol, with its data where it can be copied in words', () => {
    const { Pull } = protocol().Bulk.service;
    fc.assert(
      fc.property(anyPiece, (sent) => {
        const head = encodeHead(sent, Buffer.alloc(HEADER_BYTES, 0xff));
        const message = Buffer.concat([head, sent.bytes]);
        expect(head.length % 8).toBe(misalignment(sent));
        const { piece: chunk, opening } = Pull.responseDeserialize(message);
        expect(opening).toBeFalsy();
        expect(chunk).toBeTruthy();
        const received = chunk ? decodePiece(chunk) : null;
        expect({ ...received, bytes: hex(received?.bytes) }).toEqual({ ...sent, bytes: hex(sent.bytes) });
      }),
    );
  });

  it('is dropped when its kind or format is not known', () => {
    const { Pull } = protocol().Bulk.service;
    const fence = { epoch: 1, step: 1, attempt: 1 };
    for (const unknown of [{ kind: 'PIECE_KIND_SUM' as const }, { format: 'WIRE_FORMAT_FLOAT32' as const }]) {
      const bytes = Pull.responseSerialize({ piece: { fence, count: 0, ...unknown } });
      const { piece: chunk } = Pull.responseDeserialize(bytes);
      expect(chunk ? decodePiece(chunk) : undefined).toBeNull();
    }
  });
});

describe('messages in a stream', () => {
  it('come out as they went in, wherever the stream is cut', () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 10 });
    fc.assert(
      fc.property(messages, fc.infiniteStream(fc.integer({ min: 1, max: 30 })), (sent, cuts) => {
        const stream = Buffer.concat(sent.map(frameMessage));
        const got: Uint8Array[] = [];
        const assembler = new MessageAssembler((message) => got.push(Uint8Array.from(message)));
        for (let at = 0; at < stream.length;) {
          const end = Math.min(stream.length, at + (cuts.next().value as number));
          expect(assembler.write(stream.subarray(at, end))).toBeNull();
          at = end;
        }
        expect(got).toEqual(sent);
      }),
    );
  });

  it.each([
    ['compressed', Buffer.of(1, 0, 0, 0, 1, 7)],
    ['larger than any of ours', Buffer.of(0, 0x7f, 0, 0, 0)],
  ])('are refused when %s', (_, bytes) => {
    expect(new MessageAssembler(() => undefined).write(bytes)).toBe('it sends what is no message');
  });

  it('take no more room than the largest needs', () => {
    const buffers = new Set<ArrayBufferLike>();
    const assembler = new MessageAssembler((message) => buffers.add(message.buffer));
    for (const length of [100, 5, 0, 99]) assembler.write(frameMessage(new Uint8Array(length)));
    expect(buffers.size).toBe(1);
  });
});
