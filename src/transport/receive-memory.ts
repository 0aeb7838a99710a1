/**
 * Memory for what comes over HTTP/2. Node takes a new buffer for every 64 KiB that it reads from a socket, which nobody needs any more
 * when its bytes have been copied. Left alone, more than half of the time that receiving takes goes into getting rid of them:
 *
 *   - They count as memory of the heap until V8 finds them. A heap of a few MB is marked anew for every 32 MB received.
 *   - glibc gives freed memory back to the system as soon as 128 KiB of it lie at the end, and the next buffers take it again: each page is
 *     zeroed, and costs a page fault.
 */
import { createRequire } from 'node:module';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import type * as Koffi from 'koffi';

/** Who receives less than this has nothing to gain. Until then a process is as it was started, and takes V8's code caches as they are. */
const ENOUGH_BYTES = 2 ** 24;
/** Garbage that may gather before the heap is marked: read buffers for a few times as long as V8 leaves young ones (32 MB). */
const GARBAGE_BYTES = 2 ** 27;
/** Growth of the heap that V8 grants by itself where it grants most: four times what is alive. */
const USUAL_GROWTH_PERCENT = 300;
/** Freed memory that is kept: what lies between two young collections, twice. */
const KEPT_BYTES = 2 ** 26;

/** Parameter of mallopt(3), and its largest value: beyond it a block has a mapping of its own. */
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
const MOST_MMAP_THRESHOLD = 2 ** 25;

let received = 0;

/** Counts bytes received by this process; from some tens of MB on its memory is set up for more. */
export function countReceived(bytes: number): void {
  if (received >= ENOUGH_BYTES) return;
  received += bytes;
  if (received < ENOUGH_BYTES) return;
  keepFreedMemory();
  markLessOften();
}

function markLessOften(): void {
  const percent = Math.round((100 * GARBAGE_BYTES) / getHeapStatistics().used_heap_size);
  if (percent > USUAL_GROWTH_PERCENT) setFlagsFromString(`--heap-growing-percent=${percent}`);
}

function keepFreedMemory(): void {
  if (process.platform !== 'linux') return;
  try {
    // Not a static import: koffi has no binary for every platform, and its absence must not be fatal.
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const mallopt = koffi.load(null).func('int mallopt(int, int)') as (parameter: number, value: number) => number;
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    // With the one set, glibc no longer adapts the other by itself.
    mallopt(M_MMAP_THRESHOLD, MOST_MMAP_THRESHOLD);
  } catch {
    // Another libc than glibc: it has ways of its own.
  }
}
