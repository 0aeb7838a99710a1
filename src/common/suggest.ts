/**
 * Damerau–Levenshtein distance, restricted form (optimal string alignment): the least number of insertions, deletions,
 * substitutions and swaps of neighbours that turn `a` into `b`, no part edited twice.
 *
 * Source: Boytsov, Indexing methods for approximate dictionary searching, 2011, section 2.2.
 */
export function editDistance(a: string, b: string): number {
  const width = b.length + 1;
  // distance[i·width + j]: from the first i characters of a to the first j of b.
  const distance = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => distance[i * width + j] ?? 0;
  for (let i = 0; i <= a.length; i++) {
    for (let j = 0; j <= b.length; j++) {
      if (i === 0 || j === 0) {
        distance[i * width + j] = i + j;
        continue;
      }
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, at(i - 2, j - 2) + 1);
      distance[i * width + j] = best;
    }
  }
  return at(a.length, b.length);
}

/** The candidate that `word` was probably meant to be: at most a third of it mistyped, upper and lower case alike. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** ` Did you mean 'x'?` for a mistyped name, where one of the known names is close enough; else an empty text. */
export function didYouMean(name: string, known: readonly string[]): string {
  const suggestion = suggest(name, known);
  return suggestion === undefined ? '' : ` Did you mean '${suggestion}'?`;
}
