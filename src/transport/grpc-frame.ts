/** Messages in the stream of bytes of a gRPC call: a byte that says whether it is compressed, four of length, the message. */

/** Bytes before every message. */
export const PREFIX_BYTES = 5;
/** A message is a piece of 256 KiB and its header; one of this size comes from no Lockstep. */
const MAX_MESSAGE_BYTES = 2 ** 24;

/** Writes the prefix of a message of `length` bytes at the beginning of `frame`. */
export function writePrefix(frame: Buffer, length: number): void {
  frame[0] = 0;
  frame.writeUInt32BE(length, 1);
}

export function frameMessage(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(PREFIX_BYTES + message.byteLength);
  writePrefix(frame, message.byteLength);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/** Puts messages together from bytes that are cut anywhere. */
export class MessageAssembler {
  readonly #take: (message: Buffer) => void;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  /** Holds the message under way; it grows to the largest there is. */
  #buffer = Buffer.alloc(0);
  /** Bytes at hand of the prefix, and of the message that it announces. */
  #prefixLength = 0;
  #length = 0;

  /** @param take receives each message, in a buffer that the next one overwrites. */
  constructor(take: (message: Buffer) => void) {
    this.#take = take;
  }

  /** Takes the next bytes; returns why they cannot be messages, or null. */
  write(bytes: Buffer): string | null {
    let at = 0;
    while (at < bytes.length) {
      if (this.#prefixLength < PREFIX_BYTES) {
        this.#prefix[this.#prefixLength] = bytes[at] as number;
        this.#prefixLength += 1;
        at += 1;
        if (this.#prefixLength < PREFIX_BYTES) continue;
        const length = this.#prefix.readUInt32BE(1);
        if (this.#prefix[0] !== 0 || length > MAX_MESSAGE_BYTES) return 'it sends what is no message';
        if (length > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(length);
      }
      const wanted = this.#prefix.readUInt32BE(1);
      const count = Math.min(wanted - this.#length, bytes.length - at);
      this.#buffer.set(bytes.subarray(at, at + count), this.#length);
      this.#length += count;
      at += count;
      if (this.#length < wanted) continue;
      this.#prefixLength = 0;
      this.#length = 0;
      this.#take(this.#buffer.subarray(0, wanted));
    }
    return null;
  }
}
