/**
 * Puts Lockstep's own command where npx looks for one, so that `npx lockstep` works in a checkout as it does where the package
 * is installed. Part of `prepare`; an installed package does not run it.
 */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const link = join(root, 'node_modules', '.bin', 'lockstep');
mkdirSync(dirname(link), { recursive: true });
rmSync(link, { force: true });
symlinkSync(join('..', '..', 'bin', 'lockstep.js'), link);
