/**
 * Runs a bundle that scripts/bundle.js has made, with what V8 compiled of it when it was made: most of the time until a process
 * can begin its work goes into compiling. On its own, as it comes before everything else.
 */
import { readFileSync } from 'node:fs';
import { Module, createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';

/** From dist/src/common. */
const FOLDER = join(import.meta.dirname, '..', '..', 'bundle');

type Wrapper = (exports: object, require: NodeJS.Require, module: object, filename: string, dirname: string) => void;

/**
 * @param name - of the bundle: a CommonJS module in ASCII.
 * @param cache - name of the code cache to begin with. Where there is none for this bundle, or V8 finds that it is not for its
 *   version and flags, functions are compiled as they are called.
 */
export function loadBundle(name: string, cache?: string): void {
  const filename = join(FOLDER, `${name}.cjs`);
  const bundle = readFileSync(filename);
  const cachedData = cache === undefined ? undefined : readCodeCache(join(FOLDER, `${cache}.cache`), bundle);
  const script = new Script(Module.wrap(bundle.toString('latin1')), {
    filename,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const module = { exports: {} };
  const run = script.runInThisContext() as Wrapper;
  run(module.exports, createRequire(filename), module, filename, dirname(filename));
}

/**
 * A code cache ends with the CRC-32 of its bundle and of itself, little-endian: V8 looks at the length of the bundle alone, and a
 * damaged cache makes it crash.
 */
function readCodeCache(file: string, bundle: Buffer): Buffer | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return undefined;
  }
  const end = bytes.length - 4;
  if (end < 0) return undefined;
  const cache = bytes.subarray(0, end);
  return crc32(cache, crc32(bundle)) === bytes.readUInt32LE(end) ? cache : undefined;
}
