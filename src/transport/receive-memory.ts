/**
 * Memory for what comes over HTTP/2. Node takes a new buffer for every 64 KiB that it reads from a socket, which nobody needs any more
 * when its bytes have been copied. Left alone, a third of the processor time of an all-reduce goes into getting rid of them:
 *
 *   - They count as memory of the heap until V8 finds them. A heap of a few MB is marked more than twice for every 64 MiB received.
 *   - glibc gives freed memory back to the system as soon as 128 KiB of it lie at the end, and the next buffers take it again: each page is
 *     zeroed, and costs a page fault.
 */
import { createRequire } from 'node:module';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import type * as Koffi from 'koffi';

/** Who receives less than this has nothing to gain. Until then a process is as it was started, and takes V8's code caches as they are. */
const ENOUGH_BYTES = 2 ** 24;
/** V8 takes growth as a proportion: it is found anew after so many bytes, lest a heap that has become large grows by as much again and again. */
const AGAIN_BYTES = 2 ** 28;
/** Garbage that may gather before the heap is marked: read buffers for a few times as long as V8 leaves young ones (32 MB). */
const GARBAGE_BYTES = 2 ** 27;
/** The most growth of the heap that V8 grants by itself: to four times what is alive. */
const USUAL_GROWTH_PERCENT = 300;
/** Freed memory that is kept: what lies between two young collections, twice. */
const KEPT_BYTES = 2 ** 26;

/** Parameter of mallopt(3), and its largest value: beyond it a block has a mapping of its own. */
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
const MOST_MMAP_THRESHOLD = 2 ** 25;

let received = 0;
let due = ENOUGH_BYTES;

/** Counts bytes received by this process, and sets up its memory for more when they are many. */
export function countReceived(bytes: number): void {
  received += bytes;
  if (received < due) return;
  if (due === ENOUGH_BYTES) keepFreedMemory();
  due = received + AGAIN_BYTES;
  setFlagsFromString(`--heap-growing-percent=${heapGrowth(getHeapStatistics().used_heap_size)}`);
}

/** By how much of itself (percent) a heap of so many bytes may grow before it is marked; 0: as V8 sees fit. */
export function heapGrowth(heapBytes: number): number {
  const percent = Math.round((100 * GARBAGE_BYTES) / heapBytes);
  return percent > USUAL_GROWTH_PERCENT ? percent : 0;
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
