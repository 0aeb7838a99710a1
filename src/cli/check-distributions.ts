/** What `lockstep check` says of the splits of a job. */
import {
  describeDifference,
  describeShifts,
  type ColumnDifference,
  type SplitComparison,
} from '../data/distribution.js';
import { renderTable } from '../observe/table.js';

const VERDICTS: Readonly<Record<SplitComparison['verdict'], string>> = {
  alike: 'alike',
  differ: 'DIFFER',
  tooFew: 'too few samples to tell',
};

/** Lines with a table of the splits in pairs, and a sentence on each pair that differs; none where there is one split. */
export function renderDistributions(comparisons: readonly SplitComparison[]): readonly string[] {
  if (comparisons.length === 0) return [];
  const table = renderTable(
    [
      { title: 'splits' },
      { title: '' },
      { title: 'label, largest difference' },
      { title: 'feature, largest difference' },
    ],
    comparisons.map(({ splits, verdict, label, feature }) => [
      splits.join(', '),
      VERDICTS[verdict],
      describe(label),
      describe(feature),
    ]),
  );
  const shifted = comparisons.filter(({ verdict }) => verdict === 'differ').map(describeShifts);
  return [table, '', ...(shifted.length === 0 ? [] : [...shifted, 'docs/checking.md says what that means.', ''])];
}

function describe(difference: ColumnDifference | null): string {
  return difference === null ? 'none' : describeDifference(difference);
}
