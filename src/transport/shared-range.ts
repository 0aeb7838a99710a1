/**
 * Parts of an arena that two processes of one host share: offered by one, mapped by the other into an arena of its own. What is computed
 * there is there for both, and nothing travels.
 */
import { randomBytes } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';
import { LockstepError } from '../common/errors.js';
import type { MemoryOffer } from '../protocol/messages.js';
import { hostId } from './host-id.js';
import { createFile, mapOver, withFile } from './shared-memory.js';

/** Bytes of the longest page that Linux has on the architectures of Node; parts begin and end on a multiple. */
export const RANGE_ALIGNMENT = 65_536;
const NONCE_BYTES = 16;

/** A part of a memory, in bytes; both ends are multiples of {@link RANGE_ALIGNMENT}. */
export interface ByteRange {
  readonly byteOffset: number;
  readonly bytes: number;
}

export interface OfferedRange {
  readonly range: ByteRange;
  readonly offer: MemoryOffer;
  /** Ends the offer: the part is of this process alone then, and reads zeros. Whoever has mapped it keeps what it was. */
  readonly release: () => void;
}

export interface OfferedFile {
  readonly offer: MemoryOffer;
  /** Ends the offer. Whoever has mapped it keeps what it was. */
  readonly release: () => void;
}

/** Offers memory of zeros that others map, and this process does not. @throws LockstepError `unavailable` */
export function offerFile(bytes: number): OfferedFile {
  const { fd, nonce, seal } = createOffered(bytes);
  return { offer: offerOf(fd, bytes, nonce), release: seal };
}

/** Offers a part of a memory, keeping what stands in it. No thread may write there meanwhile. @throws LockstepError `unavailable` */
export function offerRange(memory: WebAssembly.Memory, range: ByteRange): OfferedRange {
  const { fd, nonce, seal } = createOffered(range.bytes);
  try {
    const part = new Uint8Array(memory.buffer, range.byteOffset, range.bytes);
    const content = part.slice();
    const clear = mapOver(memory.buffer, range, fd, 'write');
    part.set(content);
    const release = (): void => {
      seal();
      clear();
    };
    return { range, offer: offerOf(fd, range.bytes, nonce), release };
  } catch (error) {
    seal();
    throw error;
  }
}

function offerOf(fd: number, bytes: number, nonce: Uint8Array): MemoryOffer {
  return { hostId: hostId(), pid: process.pid, fd, bytes, nonce };
}

/** A file for so many bytes. A nonce follows what is shared, so that who opens the file can tell whose it is. */
function createOffered(bytes: number): { readonly fd: number; readonly nonce: Uint8Array; readonly seal: () => void } {
  const nonce = randomBytes(NONCE_BYTES);
  const { fd, seal } = createFile(bytes + NONCE_BYTES);
  try {
    writeSync(fd, nonce, 0, NONCE_BYTES, bytes);
    return { fd, nonce, seal };
  } catch (error) {
    seal();
    throw error;
  }
}

/**
 * Maps what another process offers into a part of a memory.
 *
 * @param access `read`: a write there ends the process.
 * @returns how to end that: the part is of this process alone then, and reads zeros.
 * @throws LockstepError `unavailable` when it is not there, or not what was offered.
 */
export function mapRange(
  { hostId: theirs, pid, fd, bytes, nonce }: MemoryOffer,
  memory: WebAssembly.Memory,
  range: ByteRange,
  access: 'read' | 'write',
): () => void {
  if (theirs === '' || theirs !== hostId())
    throw new LockstepError('unavailable', 'the processes do not share a host, a user and its namespaces');
  if (bytes !== range.bytes)
    throw new LockstepError('unavailable', `shared memory of ${bytes} bytes is offered for ${range.bytes}`);
  return withFile(pid, fd, bytes + NONCE_BYTES, (file) => {
    const found = new Uint8Array(NONCE_BYTES);
    readSync(file, found, 0, NONCE_BYTES, bytes);
    if (nonce.length !== NONCE_BYTES || !found.every((byte, i) => byte === nonce[i]))
      throw new LockstepError('unavailable', 'shared memory is not what was offered: its nonce differs');
    return mapOver(memory.buffer, range, file, access);
  });
}
