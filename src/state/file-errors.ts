import { LockstepError, type ErrorCode } from '../common/errors.js';

const CAUSES: Readonly<Record<string, { code: ErrorCode; what: string; hint?: string }>> = {
  ENOENT: { code: 'usage', what: 'no such file or folder' },
  ENOTDIR: { code: 'usage', what: 'a part of the path is a file, not a folder' },
  EISDIR: { code: 'usage', what: 'it is a folder, not a file' },
  EEXIST: { code: 'usage', what: 'there is a file of that name' },
  EACCES: { code: 'usage', what: 'permission denied' },
  EPERM: { code: 'usage', what: 'permission denied' },
  EROFS: { code: 'usage', what: 'the file system is read-only' },
  ENOSPC: { code: 'unavailable', what: 'no space left on the device', hint: 'Free some space and resume the run.' },
  EDQUOT: { code: 'unavailable', what: 'the disk quota is used up', hint: 'Free some space and resume the run.' },
};

/**
 * What the operating system said about a file, as an error for the user: `usage` where the path is at fault, else
 * `unavailable`.
 */
export function fileError(action: 'read' | 'write', path: string, thrown: unknown): LockstepError {
  const systemCode = systemErrorCode(thrown);
  if (systemCode === undefined) return LockstepError.from(thrown);
  const { code, what, hint } = CAUSES[systemCode] ?? { code: 'unavailable' as const, what: systemCode };
  return new LockstepError(code, `cannot ${action} ${path}: ${what}`, {
    cause: thrown,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** `ENOENT` and the like, when a system call is what failed. */
export function systemErrorCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || !('syscall' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
