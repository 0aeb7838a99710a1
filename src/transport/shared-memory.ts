/**
 * Memory that two processes of one host share. It is a file without a name (memfd_create(2)) that the other process opens through
 * /proc/PID/fd: nothing is left behind however a process ends, and no mount sets its size. Linux only.
 */
import { closeSync, fstatSync, openSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { LockstepError } from '../common/errors.js';
import type { MemoryPart } from '../protocol/memory-part.js';

/** For people who look at /proc. */
const NAME = 'lockstep';

/** Values of Linux, the same on every architecture that Node has. */
const MFD_CLOEXEC = 1;
const PROT_READ = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 0x01;
const MAP_FIXED = 0x10;
const MAP_PRIVATE_ANONYMOUS_FIXED_NORESERVE = 0x02 | 0x20 | MAP_FIXED | 0x4000;

interface Memory {
  readonly create: (name: string, flags: number) => number;
  readonly resize: (fd: number, bytes: number) => number;
  readonly map: (at: number, bytes: number, protection: number, flags: number, fd: number, offset: number) => unknown;
  readonly view: (address: number, bytes: number) => ArrayBuffer;
  readonly addressOf: (buffer: ArrayBufferLike) => number;
  /** Of the last call. */
  readonly errno: () => number;
}

let found: Memory | undefined;

/** @throws LockstepError `unavailable` where the system has no such memory. */
function memory(): Memory {
  if (found !== undefined) return found;
  if (process.platform !== 'linux')
    throw unavailable(`shared memory is used on Linux only, not on ${process.platform}`);
  try {
    // Not a static import: koffi has no binary for every platform, and its absence must not be fatal.
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const libc = koffi.load(null);
    found = {
      create: libc.func('int memfd_create(const char *, unsigned int)') as Memory['create'],
      resize: libc.func('int ftruncate(int, int64_t)') as Memory['resize'],
      map: libc.func('uintptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)') as Memory['map'],
      view: (address, bytes) => koffi.view(address, bytes),
      addressOf: (buffer) => Number(koffi.address(new Uint8Array(buffer))),
      errno: () => koffi.errno(),
    };
    return found;
  } catch (error) {
    throw unavailable(`shared memory cannot be reached through koffi: ${messageOf(error)}`);
  }
}

/** A mapping of shared memory. */
export interface Mapping {
  readonly buffer: ArrayBuffer;
  /**
   * Gives the memory back. The buffer stays valid: it reads zeros from then on. (Its addresses stay reserved, as a view that someone
   * has kept must never reach memory of another kind.)
   */
  readonly release: () => void;
}

/** Memory that this process has mapped and offers to another. */
export interface OfferedMapping extends Mapping {
  /** The file behind it, which another process of the same user can open until {@link OfferedMapping.seal}. */
  readonly fd: number;
  /** No one can open it any more; whoever has mapped it keeps it. */
  readonly seal: () => void;
}

/** Makes zeroed memory. Pages come into being when they are touched. @throws LockstepError `unavailable` */
export function offerMemory(bytes: number): OfferedMapping {
  const { fd, seal } = createFile(bytes);
  try {
    const { buffer, release } = mapFile(fd, bytes);
    return {
      buffer,
      fd,
      seal,
      release: () => {
        seal();
        release();
      },
    };
  } catch (error) {
    seal();
    throw error;
  }
}

/**
 * Maps memory that another process offers.
 *
 * @throws LockstepError `unavailable` when it is not there, is no such memory, or has another size.
 */
export function openMemory(pid: number, fd: number, bytes: number): Mapping {
  return withFile(pid, fd, bytes, (file) => mapFile(file, bytes));
}

/** A file of zeros without a name, and how to close it. @throws LockstepError `unavailable` */
export function createFile(bytes: number): { readonly fd: number; readonly seal: () => void } {
  const { create, resize, errno } = memory();
  const fd = create(NAME, MFD_CLOEXEC);
  if (fd < 0) throw unavailable(`memfd_create failed with errno ${errno()}`);
  let open = true;
  const seal = (): void => {
    if (open) closeSync(fd);
    open = false;
  };
  if (resize(fd, bytes) === 0) return { fd, seal };
  seal();
  throw unavailable(`memory of ${bytes} bytes is refused with errno ${errno()}`);
}

/**
 * Opens memory that another process offers for as long as `use` takes.
 *
 * @throws LockstepError `unavailable` when it is not there, is no such memory, or has another size.
 */
export function withFile<Result>(pid: number, fd: number, bytes: number, use: (file: number) => Result): Result {
  memory();
  const path = `/proc/${pid}/fd/${fd}`;
  let file: number;
  try {
    // Nothing but such memory is opened, whatever else the number may stand for.
    if (!readlinkSync(path).startsWith(`/memfd:${NAME} `)) throw unavailable(`${path} is no shared memory`);
    file = openSync(path, 'r+');
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw unavailable(`shared memory cannot be opened: ${messageOf(error)}`);
  }
  try {
    const { size } = fstatSync(file);
    if (size !== bytes) throw unavailable(`shared memory has ${size} bytes instead of ${bytes}`);
    return use(file);
  } finally {
    closeSync(file);
  }
}

function mapFile(fd: number, bytes: number): Mapping {
  const { map, view, errno } = memory();
  const address = map(0, bytes, PROT_READ_WRITE, MAP_SHARED, fd, 0);
  // MAP_FAILED is −1, which as an address is beyond what a number holds.
  if (typeof address !== 'number') throw unavailable(`mmap failed with errno ${errno()}`);
  let mapped = true;
  const release = (): void => {
    if (mapped) clear(address, bytes);
    mapped = false;
  };
  return { buffer: view(address, bytes), release };
}

/**
 * Puts the beginning of a file in the place of a part of memory; what stood there is gone.
 *
 * @param access `read`: a write there ends the process.
 * @returns how to end that: the part is of this process alone then, and reads zeros.
 * @throws LockstepError `unavailable`
 */
export function mapOver({ buffer, byteOffset, bytes }: MemoryPart, fd: number, access: 'read' | 'write'): () => void {
  const { map, addressOf, errno } = memory();
  if (byteOffset < 0 || byteOffset + bytes > buffer.byteLength) throw new RangeError('a part beyond the buffer');
  const address = addressOf(buffer) + byteOffset;
  const protection = access === 'read' ? PROT_READ : PROT_READ_WRITE;
  // Refused by the system where the part does not begin on a page.
  const mapped = map(address, bytes, protection, MAP_SHARED | MAP_FIXED, fd, 0);
  if (typeof mapped !== 'number') throw unavailable(`mmap failed with errno ${errno()}`);
  let shared = true;
  return () => {
    if (shared) clear(address, bytes);
    shared = false;
  };
}

/** Puts zeroed memory of this process alone in the place of what is mapped. */
function clear(address: number, bytes: number): void {
  memory().map(address, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_FIXED_NORESERVE, -1, 0);
}

function unavailable(message: string): LockstepError {
  return new LockstepError('unavailable', message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
