/**
 * Gradients and weights in their wire format. Whoever computes with them has rounded them to the format before, so that writing
 * them in it loses nothing, and they are float32 again for whoever receives them.
 */
import { elementBytes, type WireFormat } from '../common/wire-format.js';
import { LockstepError } from '../common/errors.js';
import { Arena, allocationSize, type Offset } from '../kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS, type Kernels } from '../kernels/kernels.js';
import { kernelFactory } from '../kernels/select.js';
import { sameFence, type Fence } from '../protocol/messages.js';
import { misalignment, type Piece } from '../protocol/piece.js';

/** Elements that are encoded at a time: a block, before and after, stays in the fastest caches on its way through the arena. */
const BLOCK = 2 ** 14;
/** Elements of the longest piece that arrives: a chunk of 1 MiB, two bytes each. */
const MOST_ELEMENTS = 2 ** 19;
/** See {@link misalignment}: up to 7 bytes. */
const MISALIGNED_ELEMENTS = 2;

export interface WireFormats {
  readonly gradients: WireFormat;
  readonly weights: WireFormat;
  /** Only the parameters travel in the weights' format; running statistics, behind them, stay float32. */
  readonly parameterElements: number;
}

/** Everything as it is. */
export const FLOAT32: WireFormats = { gradients: 'float32', weights: 'float32', parameterElements: 0 };

export class WireCodec {
  readonly #formats: WireFormats;
  /** Encoded pieces by what they are; the next step's take the place of this one's. */
  readonly #encoded = new Map<string, { fence: Fence; readonly bytes: Uint8Array }>();
  #room: Workplace | undefined;

  constructor(formats: WireFormats) {
    this.#formats = formats;
  }

  /** The piece as it travels. Its bytes stay unchanged until the same part of the next step is encoded. */
  encode(piece: Piece): Piece {
    const format = this.#formatOf(piece);
    if (format === 'float32') return piece;
    const { kind, fence, node, start, count, bytes } = piece;
    const key = `${kind} ${node.level}:${node.index} ${start}+${count}`;
    const known = this.#encoded.get(key);
    // The same for several receivers.
    if (known !== undefined && sameFence(known.fence, fence)) return { ...piece, format, bytes: known.bytes };
    const encoded = known?.bytes ?? new Uint8Array(count * elementBytes(format));
    this.#encoded.set(key, { fence, bytes: encoded });
    const { kernels, numbers, written } = this.#workplace();
    const { arena } = kernels;
    for (let at = 0; at < count; at += BLOCK) {
      const length = Math.min(BLOCK, count - at);
      arena.bytes.set(bytes.subarray(at * 4, (at + length) * 4), numbers * 4);
      kernels.encode(format, length, numbers, written * 4);
      encoded.set(arena.bytes.subarray(written * 4, written * 4 + length * 2), at * 2);
    }
    return { ...piece, format, bytes: encoded };
  }

  /**
   * The piece as it was before {@link encode}; its bytes are valid until the next call.
   *
   * @throws LockstepError `internal` for a piece that is longer than any that travels.
   */
  decode(piece: Piece): Piece {
    const { format, start, count, bytes } = piece;
    if (format === 'float32') return piece;
    if (count > MOST_ELEMENTS)
      throw new LockstepError('internal', `a piece of ${count} elements in ${format} is too long`);
    const { kernels, numbers, written } = this.#workplace();
    const { arena } = kernels;
    const from = written * 4 + misalignment(piece);
    const to = numbers * 4 + misalignment({ start, format: 'float32' });
    arena.bytes.set(bytes, from);
    kernels.decode(format, count, from, to / 4);
    return { ...piece, format: 'float32', bytes: arena.bytes.subarray(to, to + count * 4) };
  }

  #formatOf({ kind, start, count }: Piece): WireFormat {
    const { gradients, weights, parameterElements } = this.#formats;
    if (kind !== 'weights') return gradients;
    return start + count <= parameterElements ? weights : 'float32';
  }

  #workplace(): Workplace {
    return (this.#room ??= createWorkplace());
  }
}

/** Where pieces are converted. */
interface Workplace {
  readonly kernels: Kernels;
  /** Room for float32. */
  readonly numbers: Offset;
  /** Room for what travels. */
  readonly written: Offset;
}

function createWorkplace(): Workplace {
  const room = allocationSize(MOST_ELEMENTS + MISALIGNED_ELEMENTS);
  const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS + 2 * room);
  const kernels = kernelFactory('wasm')(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
  return { kernels, numbers: arena.allocate(room), written: arena.allocate(room) };
}
