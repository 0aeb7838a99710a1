import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LockstepError } from '../../common/errors.js';
import type { WasmExports } from './exports.js';

let compiled: WebAssembly.Module | undefined;

/** The folder of package.json above this file: the same from the sources and from dist. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new LockstepError('internal', 'package.json of lockstep not found: broken installation');
    folder = parent;
  }
  return folder;
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
 * An instance of dist/kernels.wasm that works on `memory`, which must be shared. The module is compiled on the first call
 * of a thread; the engine gives threads of a process the same machine code for the same bytes.
 *
 * @throws LockstepError `internal` when the file is missing.
 */
export function instantiateWasm(memory: WebAssembly.Memory): WasmExports {
  compiled ??= readModule();
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as WasmExports;
}
