import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileError, systemErrorCode } from './file-errors.js';

/** The names in a folder; none when there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return [];
    throw fileError('read', folder, thrown);
  }
}

/**
 * Makes a folder and those above it, where missing.
 *
 * @returns the topmost folder that was missing, undefined when none was
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true });
  } catch (thrown) {
    throw fileError('write', path, thrown);
  }
}

/** Removes `path` and the folders above it up to `first`, as far as they are empty. */
export async function removeEmptyFolders(path: string, first: string): Promise<void> {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch {
      return;
    }
    if (folder === resolve(first)) return;
  }
}
