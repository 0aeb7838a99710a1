/** The short form of `data.split`: ratios such as 60/20/20. */

const RATIO = '(?=[0-9.]*[1-9])[0-9]+(\\.[0-9]+)?';

/** Two or three numbers above 0 with slashes between them. */
export const RATIOS = new RegExp(`^\\s*${RATIO}(\\s*/\\s*${RATIO}){1,2}\\s*$`);

/**
 * The shares held out by ratios: train/dev/test of three, train/test of two. They need not add up to 1 or 100.
 *
 * @returns null for anything else.
 */
export function ratioShares(text: string): { readonly dev: number; readonly test: number } | null {
  if (!RATIOS.test(text)) return null;
  const ratios = text.split('/').map(Number);
  const sum = ratios.reduce((total, ratio) => total + ratio, 0);
  const [, second = 0, third] = ratios;
  const [dev, test] = third === undefined ? [0, second / sum] : [second / sum, third / sum];
  // Numbers that are beyond all measure leave nothing for train, or are none.
  return dev + test < 1 ? { dev, test } : null;
}
