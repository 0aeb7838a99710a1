/** `lockstep bench`: measures this machine and Lockstep on it; each benchmark is loaded when it runs. */
import { EXIT_CODES } from '../common/errors.js';
import { endAll } from '../bench/processes.js';
import { onStopSignal } from './signals.js';

/** Runs a benchmark; when it is interrupted, everything that it has started goes with it. */
export async function bench(run: () => Promise<void>): Promise<void> {
  const stopListening = onStopSignal(() => {
    void endAll().finally(() => process.exit(EXIT_CODES.drained));
  });
  try {
    await run();
  } finally {
    stopListening();
    await endAll();
  }
}
