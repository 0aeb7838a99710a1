/** What a process that was started by another one of this program owes it. */
import { EXIT_CODES } from '../common/errors.js';

/** Ends this process when its parent does: a run whose parent has gone would write into a folder that somebody else may go on with. */
export function endWithParent(): void {
  if (!process.connected) process.exit(EXIT_CODES.unavailable);
  process.once('disconnect', () => process.exit(EXIT_CODES.unavailable));
}
