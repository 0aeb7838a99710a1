import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { LockstepError } from './errors.js';

/** The folder of Lockstep's own package.json: the same from the sources and from the build. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new LockstepError('internal', 'package.json of lockstep not found: broken installation');
    folder = parent;
  }
  return folder;
}

/**
 * The built file of a module that a thread or a process of its own begins with. Not named relative to whoever starts it: that one
 * may have become part of a bundle.
 *
 * @param path - from the root, as in the sources, with the extension `.js`.
 */
export function builtModule(path: string): URL {
  return pathToFileURL(join(packageRoot(), 'dist', path));
}

/** Lockstep's version. A coordinator and its workers must have the same. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  return version;
}
