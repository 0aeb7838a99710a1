import { describe, expect, it } from 'vitest';
import type { Workbench } from '../workbench.js';
import { blank, FLOAT32_ULP, SIZES, uniform } from '../workbench.js';

/** Rows of the column kernels: through whole blocks and remainders of blocked sums. */
const ROWS = [...SIZES, 64, 1000] as const;

export function describeSums(bench: () => Workbench): void {
  describe('sums', () => {
    it('columnSums agrees with the reference', () => {
      for (const rows of ROWS)
        for (const cols of [1, 3, 4, 10, 33, 64]) {
          const blocks = [uniform(rows * cols, 51), blank(cols)] as const;
          bench().check(blocks, (kernels, [x, out]) => kernels.columnSums(rows, cols, x, out), 4, Math.sqrt(rows));
        }
    });

    it('columnSums keeps its accuracy over thousands of rows of one sign', () => {
      const rows = 20_000;
      const blocks = [uniform(rows * 5, 52, 0.5, 1.5), blank(5)] as const;
      // Added one by one in float32 the error would be several hundred ulps.
      bench().check(blocks, (kernels, [x, out]) => kernels.columnSums(rows, 5, x, out), 32);
    });

    it('columnMoments agrees with the reference, far from zero too', () => {
      for (const rows of ROWS)
        for (const cols of [1, 4, 7, 33]) {
          const blocks = [uniform(rows * cols, 53, 99, 101), blank(cols), blank(cols)] as const;
          const [, mean, m2] = bench().run(blocks, (kernels, [x, m, s]) => kernels.columnMoments(rows, cols, x, m, s));
          const [, exactMean, exactM2] = bench().exact(blocks, (kernels, [x, m, s]) =>
            kernels.columnMoments(rows, cols, x, m, s),
          );
          for (let c = 0; c < cols; c++) {
            expect(Math.abs((mean?.[c] ?? NaN) - (exactMean?.[c] ?? NaN))).toBeLessThanOrEqual(8 * FLOAT32_ULP * 100);
            // A mean that is off by d adds rows·d² to m2: nothing, against the 100²·rows that a one-pass formula would lose.
            expect(Math.abs((m2?.[c] ?? NaN) - (exactM2?.[c] ?? NaN))).toBeLessThanOrEqual(rows * 2e-5);
          }
        }
    });

    it('columnDots agrees with the reference', () => {
      for (const rows of ROWS)
        for (const cols of [1, 4, 7, 33]) {
          const blocks = [uniform(rows * cols, 54), uniform(rows * cols, 55), blank(cols), blank(cols)] as const;
          bench().check(
            blocks,
            (kernels, [x, y, a, b]) => kernels.columnDots(rows, cols, x, y, a, b),
            4,
            Math.sqrt(rows),
          );
        }
    });

    it('sums over columns agree with the reference in matrices of every width, without rows too', () => {
      for (let cols = 1; cols <= 70; cols++)
        for (const rows of [(cols * 17) % 41, (cols * 7 + 20) % 41]) {
          const operands = [uniform(rows * cols, 58), uniform(rows * cols, 59), uniform(cols, 60), uniform(cols, 61)];
          const blocks = [...operands, ...Array.from({ length: 7 }, () => blank(cols))];
          bench().check(
            blocks,
            (kernels, at) => {
              const [x = 0, y = 0, gamma = 0, beta = 0, sums = 0, mean = 0, m2 = 0, a = 0, b = 0, c = 0, d = 0] = at;
              kernels.columnSums(rows, cols, x, sums);
              if (rows > 0) kernels.columnMoments(rows, cols, x, mean, m2);
              kernels.columnDots(rows, cols, x, y, a, b);
              kernels.batchNormReluDots(rows, cols, x, y, gamma, beta, c, d);
            },
            8,
            Math.sqrt(rows),
          );
        }
    });

    it('sums over vectors agree with the reference to float64', () => {
      for (const n of [...SIZES, 10_001]) {
        const x = uniform(n, 56);
        const g = uniform(n, 57);
        const results: number[][] = [];
        const call = (kernels: Workbench['kernels'], [w, gradient]: readonly [number, number]): void => {
          results.push([
            kernels.sum(n, w),
            kernels.sumSquares(n, w),
            kernels.sumAbs(n, w),
            kernels.gradientSumSquares(n, w, gradient, 0.25, 0.125, 0.5),
          ]);
        };
        bench().run([x, g], call);
        const [first = [], again, shifted] = results.splice(0);
        expect(again).toEqual(first);
        expect(shifted).toEqual(first);
        bench().exact([x, g], call);
        const [exact = []] = results;
        const tolerances = [1e-13 * n, 1e-13 * n, 1e-13 * n, 1e-5 * n];
        exact.forEach((value, i) =>
          expect(Math.abs((first[i] ?? NaN) - value)).toBeLessThanOrEqual(tolerances[i] ?? 0),
        );
      }
    });
  });
}
