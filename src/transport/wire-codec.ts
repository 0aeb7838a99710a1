/**
 * Gradients and weights in their wire format. Whoever computes with them has rounded them to the format before, so that writing
 * them in it loses nothing, and they are float32 again for whoever receives them.
 */
import { elementBytes, type WireFormat } from '../common/wire-format.js';
import { Arena } from '../kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS, type Kernels } from '../kernels/kernels.js';
import { kernelFactory } from '../kernels/select.js';
import { sameFence, type Fence } from '../protocol/messages.js';
import type { Piece } from '../protocol/piece.js';

/** Elements that are converted at a time (256 KiB of float32). */
const BLOCK = 2 ** 16;

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
  #kernels: Kernels | null = null;
  #decoded = new Uint8Array(0);

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

  /** The piece as it was before {@link encode}; its bytes are valid until the next call. */
  decode(piece: Piece): Piece {
    const { format, count, bytes } = piece;
    if (format === 'float32') return piece;
    if (this.#decoded.length < count * 4) this.#decoded = new Uint8Array(count * 4);
    const { kernels, numbers, written } = this.#workplace();
    const { arena } = kernels;
    for (let at = 0; at < count; at += BLOCK) {
      const length = Math.min(BLOCK, count - at);
      arena.bytes.set(bytes.subarray(at * 2, (at + length) * 2), written * 4);
      kernels.decode(format, length, written * 4, numbers);
      this.#decoded.set(arena.bytes.subarray(numbers * 4, (numbers + length) * 4), at * 4);
    }
    return { ...piece, format: 'float32', bytes: this.#decoded.subarray(0, count * 4) };
  }

  #formatOf({ kind, start, count }: Piece): WireFormat {
    const { gradients, weights, parameterElements } = this.#formats;
    if (kind !== 'weights') return gradients;
    return start + count <= parameterElements ? weights : 'float32';
  }

  #workplace(): { readonly kernels: Kernels; readonly numbers: number; readonly written: number } {
    this.#kernels ??= createKernels();
    const end = this.#kernels.arena.next;
    return { kernels: this.#kernels, numbers: end - 2 * BLOCK, written: end - BLOCK };
  }
}

function createKernels(): Kernels {
  const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS + 2 * BLOCK);
  const kernels = kernelFactory('wasm')(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
  arena.allocate(BLOCK);
  arena.allocate(BLOCK);
  return kernels;
}
