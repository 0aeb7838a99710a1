import type * as EngineModule from '../../worker/engine.js';

/**
 * The engine as it was built. Its compute threads are started from the JavaScript beside it, so it cannot run from the
 * TypeScript sources; `npm test` builds first.
 */
export async function builtEngine(): Promise<typeof EngineModule> {
  const { href } = new URL('../../dist/worker/engine.js', import.meta.url);
  return (await import(/* @vite-ignore */ href)) as typeof EngineModule;
}
