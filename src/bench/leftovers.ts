/** What a benchmark must not leave behind, however it ends: processes, folders, network namespaces. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const removals = new Set<() => void>();

/** Registers what has to be undone; returns a function that does it now, and then no more. The last one is undone first. */
export function undoAtExit(undo: () => void): () => void {
  if (removals.size === 0) process.once('exit', undoAll);
  const once = (): void => {
    if (!removals.delete(once)) return;
    if (removals.size === 0) process.off('exit', undoAll);
    undo();
  };
  removals.add(once);
  return once;
}

function undoAll(): void {
  for (const undo of [...removals].reverse()) {
    try {
      undo();
    } catch {
      // The others still have to be undone.
    }
  }
}

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
  return { path, remove: undoAtExit(() => rmSync(path, { recursive: true, force: true })) };
}
