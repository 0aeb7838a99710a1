/**
 * The programs that Lockstep is measured against. They are never part of the product: they lie in bench/peers of a checkout, and
 * what they need is looked for when a benchmark runs.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../common/package.js';

/** The script of a peer; null where there is none, as in an installed package. */
export function peerScript(file: string): string | null {
  const path = join(packageRoot(), 'bench', 'peers', file);
  return existsSync(path) ? path : null;
}

export const NO_PEERS = 'the peers, which come with a checkout of the repository (bench/peers), not with the package';

export const TORCH_HINT = 'Debian, Ubuntu: apt-get install python3-torch';

/** Interpreters that may have PyTorch: the one on the PATH need not be the distribution's. */
export function pythons(): string[] {
  return ['python3', '/usr/bin/python3'].filter((path) => !path.startsWith('/') || existsSync(path));
}

/** The environment of a Python with so many threads: BLAS libraries have their own, which torch.set_num_threads need not reach. */
export function pythonEnvironment(threads: number): Record<string, string> {
  const count = String(threads);
  return {
    OMP_NUM_THREADS: count,
    OPENBLAS_NUM_THREADS: count,
    MKL_NUM_THREADS: count,
    PYTHONDONTWRITEBYTECODE: '1',
  };
}
