/** SIGTERM and SIGINT ask for an orderly end; a second one insists. */
import { EXIT_CODES } from '../common/errors.js';

export function onStopSignal(stop: () => void): () => void {
  let asked = false;
  const handle = (): void => {
    if (asked) process.exit(EXIT_CODES.drained);
    asked = true;
    stop();
  };
  process.on('SIGTERM', handle);
  process.on('SIGINT', handle);
  return () => {
    process.off('SIGTERM', handle);
    process.off('SIGINT', handle);
  };
}
