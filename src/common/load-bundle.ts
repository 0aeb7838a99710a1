/**
 * Runs a bundle that scripts/bundle.js has made, with what V8 compiled of it when it was made: most of the time until a process
 * can begin its work goes into compiling. On its own, as it comes before everything else.
 */
import { readFileSync } from 'node:fs';
import { Module, createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';

/** From dist/src/common. */
const FOLDER = join(import.meta.dirname, '..', '..', 'bundle');

type Wrapper = (exports: object, require: NodeJS.Require, module: object, filename: string, dirname: string) => void;

/**
 * @param name - of the bundle: a CommonJS module in ASCII.
 * @param cache - name of the code cache to begin with. V8 looks whether it fits its version, its flags and the length of the
 *   bundle; where it does not, or is missing, functions are compiled as they are called.
 */
export function loadBundle(name: string, cache?: string): void {
  const filename = join(FOLDER, `${name}.cjs`);
  const cachedData = cache === undefined ? undefined : readIfThere(join(FOLDER, `${cache}.cache`));
  const script = new Script(Module.wrap(readFileSync(filename, 'latin1')), {
    filename,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const module = { exports: {} };
  const run = script.runInThisContext() as Wrapper;
  run(module.exports, createRequire(filename), module, filename, dirname(filename));
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
