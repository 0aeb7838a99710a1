import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError } from './file-errors.js';

/** End of the names of files that are being written; one that is found later was left by a process that died. */
export const TEMPORARY_SUFFIX = '.tmp';

/** Largest single write: Node refuses buffers of 2 GiB and more. */
const WRITE_BYTES = 1 << 28;

let written = 0;

/**
 * Puts `content` at `path` so that at every moment, a power cut included, the path holds either what it held before or
 * all of the new content: written to another name in the same folder, flushed to the device, renamed, and the folder
 * flushed.
 *
 * @param content text (as UTF-8), or bytes in parts that are written one after another and must not change meanwhile
 * @throws LockstepError `usage` or `unavailable` (see {@link fileError}); nothing is left behind then
 */
export async function writeFileAtomic(path: string, content: string | readonly Uint8Array[]): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}-${written++}${TEMPORARY_SUFFIX}`);
  try {
    await writeFlushed(temporary, typeof content === 'string' ? [Buffer.from(content)] : content);
    await rename(temporary, path);
    await flushFolder(folder);
  } catch (thrown) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError('write', path, thrown);
  }
}

async function writeFlushed(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const part of parts) {
      let position = 0;
      while (position < part.length) {
        const { bytesWritten } = await file.write(part, position, Math.min(part.length - position, WRITE_BYTES));
        position += bytesWritten;
      }
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename lasts once its folder is on the device. Windows cannot open folders and does not need it. */
async function flushFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
