import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { candidateLibraries } from './candidates.js';
import type { BlasLibrary, Sgemm } from './cblas.js';
import { dependsOnPlacement } from './placement.js';

export type BlasLookup =
  | { readonly library: BlasLibrary; readonly file: string }
  /** Why there is none, in one line. */
  | { readonly library: null; readonly reason: string };

/** Addresses travel as JavaScript numbers: user space ends far below 2⁵³, where float64 loses integers. */
const SGEMM =
  'void cblas_sgemm(int, int, int, int, int, int, float, uintptr_t, int, uintptr_t, int, float, uintptr_t, int)';

/** BLAS_THREADING_SINGLE_THREADED of Accelerate (macOS 15 and later). */
const ACCELERATE_SINGLE_THREADED = 1;

/** Cores for which OpenBLAS has kernels for small products, and the limit that it sets them (sgemm_small_matrix_permit). */
const SMALL_PRODUCT_CORES = ['SkylakeX', 'Cooperlake', 'SapphireRapids'];
const SMALL_PRODUCT = 100 ** 3;

let found: BlasLookup | undefined;
/** A file that another thread or process of this host has examined. */
let examined: string | undefined;

/** The system's BLAS, looked for once per thread. Never throws: a machine without one is an ordinary machine. */
export function systemBlas(): BlasLookup {
  return (found ??= findBlas(examined ?? process.env['LOCKSTEP_OPENBLAS'], examined !== undefined));
}

/** The file that `systemBlas` has found to be of use; null when it has not been asked, or there is none. */
export function examinedBlas(): string | null {
  return found === undefined || found.library === null ? null : found.file;
}

/** Makes `systemBlas` take this file, which has been examined before: to examine it takes longer than to load it. */
export function trustBlas(file: string): void {
  examined = file;
}

/**
 * @param file look at this file only, instead of the places where systems keep the library.
 * @param trusted do not examine how it rounds.
 */
export function findBlas(file: string | undefined, trusted = false): BlasLookup {
  let koffi: typeof Koffi;
  try {
    // Not a static import: koffi has no binary for every platform, and its absence must not be fatal.
    koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  } catch (error) {
    return { library: null, reason: `koffi, which calls native libraries, does not load here: ${messageOf(error)}` };
  }
  const refusals: string[] = [];
  for (const path of file === undefined ? candidateLibraries(process.platform, process.arch) : [file]) {
    let handle: Koffi.LibraryHandle;
    try {
      handle = koffi.load(path);
    } catch (error) {
      if (file !== undefined) refusals.push(`${file}, named by LOCKSTEP_OPENBLAS, does not load: ${messageOf(error)}`);
      continue;
    }
    const lookup = open(koffi, handle, path, trusted);
    if (lookup.library !== null) return lookup;
    refusals.push(lookup.reason);
  }
  return { library: null, reason: refusals[0] ?? 'no OpenBLAS library is installed' };
}

function open(koffi: typeof Koffi, handle: Koffi.LibraryHandle, path: string, trusted: boolean): BlasLookup {
  const optional = (declaration: string): ((...values: number[]) => unknown) | undefined => {
    try {
      return handle.func(declaration);
    } catch {
      return undefined;
    }
  };
  const refuse = (why: string): BlasLookup => ({ library: null, reason: `${path} cannot be used: ${why}` });

  const config = textOf(optional('const char *openblas_get_config()'));
  if (config.includes('USE64BITINT')) return refuse('it was built with 64-bit integers');
  // OpenBLAS tells of its locks from 0.3.28 on; an older single-threaded build may have them, but does not say so.
  if (config.includes('SINGLE_THREADED') && !config.includes('USE_LOCKING')) {
    return refuse('it is a build for single-threaded programs, and compute threads call it at the same time');
  }
  const sgemm = optional(SGEMM) as Sgemm | undefined;
  if (sgemm === undefined) return refuse('it has no function cblas_sgemm');

  // Threads compute whole shards; a second level of threads inside a product would only get in their way.
  if (optional('int openblas_get_num_threads()')?.() !== 1) optional('void openblas_set_num_threads(int)')?.(1);
  optional('int BLASSetThreading(int)')?.(ACCELERATE_SINGLE_THREADED);

  const product = /OpenBLAS \S+/.exec(config)?.[0] ?? (path.includes('Accelerate') ? 'Accelerate' : 'BLAS');
  const core = textOf(optional('const char *openblas_get_corename()'));
  const library: BlasLibrary = {
    sgemm,
    addressOf: (view) => Number(koffi.address(view)),
    smallProduct: SMALL_PRODUCT_CORES.includes(core) ? SMALL_PRODUCT : 0,
    description: `${product}${core === '' ? '' : ` (${core})`}, ${path}`,
  };
  if (!trusted && dependsOnPlacement(library)) return refuse('its products round differently at different addresses');
  return { library, file: path };
}

function textOf(read: (() => unknown) | undefined): string {
  const value = read?.();
  return typeof value === 'string' ? value : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
