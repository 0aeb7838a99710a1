/** The samples with the largest loss, worst first; of equals the first of the split. A loss that is not a number is the worst. */
export function worstOf<Sample extends { readonly sample: number; readonly loss: number }>(
  samples: readonly Sample[],
  most: number,
): Sample[] {
  const rank = ({ loss }: Sample): number => (Number.isNaN(loss) ? Infinity : loss);
  const compare = (a: Sample, b: Sample): number => (rank(a) === rank(b) ? a.sample - b.sample : rank(b) - rank(a));
  return [...samples].sort(compare).slice(0, most);
}
