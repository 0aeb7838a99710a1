import { join } from 'node:path';
import { writeFileAtomic } from '../state/atomic-write.js';
import { reportPage } from './page/report-page.js';
import type { RunReport } from './run-report.js';

/**
 * Writes the page of a run, atomically.
 *
 * @param output default: `report.html` in the run directory
 * @returns where it lies
 * @throws LockstepError `usage` or `unavailable` when it cannot be written
 */
export async function writeReport(report: RunReport, output = join(report.path, 'report.html')): Promise<string> {
  await writeFileAtomic(output, reportPage(report));
  return output;
}
