/**
 * Memory parts between processes of one host: offered by one, mapped by the other into an arena of its own. What is computed there is
 * there for both, and nothing travels.
 */
import { randomBytes } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';
import { LockstepError } from '../common/errors.js';
import type { MemoryPart } from '../protocol/memory-part.js';
import type { MemoryOffer } from '../protocol/messages.js';
import { hostId } from './host-id.js';
import { createFile, mapOver, withFile } from './shared-memory.js';

const NONCE_BYTES = 16;

/** A file that others of this host may map. */
export interface OfferedMemory {
  readonly offer: MemoryOffer;
  /** Ends the offer. Whoever has mapped the memory keeps it. */
  readonly seal: () => void;
}

/** Zeroed memory for others to map. @throws LockstepError `unavailable` */
export function offerFile(bytes: number): OfferedMemory {
  const nonce = randomBytes(NONCE_BYTES);
  const { fd, seal } = createFile(bytes + NONCE_BYTES);
  try {
    // The nonce follows what is shared, so that who opens the file can tell whose it is.
    writeSync(fd, nonce, 0, NONCE_BYTES, bytes);
  } catch (error) {
    seal();
    throw error;
  }
  return { offer: { hostId: hostId(), pid: process.pid, fd, bytes, nonce }, seal };
}

/** Offers a part of memory, keeping what stands in it; no thread may write there meanwhile. @throws LockstepError `unavailable` */
export function offerPart(part: MemoryPart): OfferedMemory {
  const file = offerFile(part.bytes);
  try {
    const values = new Uint8Array(part.buffer, part.byteOffset, part.bytes);
    const content = values.slice();
    mapOver(part, file.offer.fd, 'write');
    values.set(content);
    return file;
  } catch (error) {
    file.seal();
    throw error;
  }
}

/**
 * Maps what another process offers in the place of a part of memory.
 *
 * @param access `read`: a write there ends the process.
 * @returns how to end that: the part is of this process alone then, and reads zeros.
 * @throws LockstepError `unavailable` when it is not there, or not what was offered.
 */
export function mapPart(
  { hostId: theirs, pid, fd, bytes, nonce }: MemoryOffer,
  part: MemoryPart,
  access: 'read' | 'write',
): () => void {
  if (theirs === '' || theirs !== hostId())
    throw new LockstepError('unavailable', 'the processes do not share a host, a user and its namespaces');
  if (bytes !== part.bytes)
    throw new LockstepError('unavailable', `shared memory of ${bytes} bytes is offered for ${part.bytes}`);
  return withFile(pid, fd, bytes + NONCE_BYTES, (file) => {
    const found = new Uint8Array(NONCE_BYTES);
    readSync(file, found, 0, NONCE_BYTES, bytes);
    if (nonce.length !== NONCE_BYTES || !found.every((byte, i) => byte === nonce[i]))
      throw new LockstepError('unavailable', 'shared memory is not what was offered: its nonce differs');
    return mapOver(part, file, access);
  });
}
