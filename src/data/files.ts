/**
 * Reading data files: into shared memory, unpacked where they are compressed, and fingerprinted on the way, so that a
 * cluster can tell whether all its machines hold the same data.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { crc32, gunzip } from 'node:zlib';
import { LockstepError } from '../common/errors.js';
import { resolveDataPath } from './paths.js';

export interface DataFile {
  /** Absolute path, for messages. */
  readonly path: string;
  /** The content, unpacked. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

/** One read call moves at most 2 GiB. */
const MAX_READ_BYTES = 2 ** 30;
/** Bytes that one checksum covers. */
const CHECKSUM_BYTES = 2 ** 16;

export class DataFiles {
  readonly #baseDir: string;
  readonly #hash = createHash('sha256');

  /** @param baseDir - the folder of the job file. */
  constructor(baseDir: string) {
    this.#baseDir = baseDir;
  }

  /**
   * Reads a whole file; gzip is recognised by its first bytes, whatever the file is called.
   *
   * @throws LockstepError `data` when it is missing, unreadable or damaged.
   */
  async read(dataPath: string): Promise<DataFile> {
    const resolved = resolveDataPath(dataPath, this.#baseDir);
    const stored = await readShared(resolved).catch((error: unknown) => {
      throw this.#readError(dataPath, resolved, error);
    });
    const bytes = stored[0] === 0x1f && stored[1] === 0x8b ? await unpack(resolved, stored) : stored;
    // The length goes first, so that the same bytes cut into different files have another fingerprint.
    this.#hash.update(`${bytes.length}:`).update(checksums(bytes));
    return { path: resolved, bytes };
  }

  /**
   * SHA-256 in hexadecimal over the lengths and checksums of the unpacked content of all files read so far, in the order of
   * reading.
   */
  fingerprint(): string {
    return this.#hash.copy().digest('hex');
  }

  #readError(dataPath: string, resolved: string, error: unknown): LockstepError {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const relative = resolved !== dataPath && !path.isAbsolute(dataPath);
      return new LockstepError('data', `data file ${resolved} does not exist`, {
        hint: relative
          ? `'${dataPath}' is looked up from the folder of the job file, ${this.#baseDir}.`
          : 'Correct the path in the job, or put the file there.',
        cause: error,
      });
    }
    if (code === 'EISDIR') {
      return new LockstepError('data', `data file ${resolved} is a folder`, { hint: 'Name a file.', cause: error });
    }
    const reason = error instanceof Error ? error.message : String(error);
    return new LockstepError('data', `data file ${resolved} cannot be read: ${reason}`, {
      hint: 'Check that this user may read the file and that there is memory for it.',
      cause: error,
    });
  }
}

/**
 * The CRC-32 of each 64 KiB, little-endian. It tells files apart that differ by mistake, and many processes of a host can have
 * one at start: a cryptographic hash of the content itself takes fifteen times as long where the processor has no instructions
 * for it.
 */
function checksums(bytes: Uint8Array): Uint8Array {
  const count = Math.ceil(bytes.length / CHECKSUM_BYTES);
  const sums = new DataView(new ArrayBuffer(4 * count));
  for (let i = 0; i < count; i++) {
    sums.setUint32(4 * i, crc32(bytes.subarray(i * CHECKSUM_BYTES, (i + 1) * CHECKSUM_BYTES)), true);
  }
  return new Uint8Array(sums.buffer);
}

async function readShared(file: string): Promise<Uint8Array<SharedArrayBuffer>> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(new SharedArrayBuffer(size));
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await handle.read(bytes, filled, Math.min(size - filled, MAX_READ_BYTES), filled);
      if (bytesRead === 0) throw new Error(`it shrank from ${size} to ${filled} bytes while it was read`);
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

async function unpack(file: string, packed: Uint8Array): Promise<Uint8Array<SharedArrayBuffer>> {
  try {
    const unpacked = await promisify(gunzip)(packed);
    const bytes = new Uint8Array(new SharedArrayBuffer(unpacked.length));
    bytes.set(unpacked);
    return bytes;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LockstepError('data', `${file} is a damaged gzip file (${packed.length} bytes): ${reason}`, {
      hint: 'Download or pack it again.',
      cause: error,
    });
  }
}
