import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LockstepError } from '../../common/errors.js';
import { packageRoot } from '../../common/package.js';
import type { WasmExports } from './exports.js';

let compiled: WebAssembly.Module | undefined;

/** The module, where this thread has needed it. */
export function compiledWasm(): WebAssembly.Module | null {
  return compiled ?? null;
}

/** Takes a module that another thread of the process has compiled. */
export function adoptWasm(module: WebAssembly.Module): void {
  compiled = module;
}

function readModule(): WebAssembly.Module {
  const path = join(packageRoot(), 'dist', 'kernels.wasm');
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new LockstepError('internal', `the WASM kernels cannot be read from ${path}`, {
      hint: 'npm run build',
      cause,
    });
  }
  return new WebAssembly.Module(bytes);
}

/**
 * An instance of dist/kernels.wasm that works on `memory`, which must be shared. The module is compiled on the first call of a
 * thread that has not adopted one.
 *
 * @throws LockstepError `internal` when the file is missing.
 */
export function instantiateWasm(memory: WebAssembly.Memory): WasmExports {
  compiled ??= readModule();
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as WasmExports;
}
