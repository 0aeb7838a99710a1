import { beforeAll, describe } from 'vitest';
import type { KernelFactory } from '../../src/kernels/kernels.js';
import { describeElementwise } from './conformance/elementwise.js';
import { describeFused } from './conformance/fused.js';
import { describeOptimizers } from './conformance/optimizers.js';
import { describeProducts } from './conformance/products.js';
import { describeRows } from './conformance/rows.js';
import { describeSums } from './conformance/sums.js';
import { describeTreeProducts } from './conformance/tree-products.js';
import { describeWireFormats } from './conformance/wire-formats.js';
import { Workbench } from './workbench.js';

/** What every backend must satisfy, with the float64 reference as the oracle. */
export function describeConformance(backend: string, factory: () => KernelFactory): void {
  describe(backend, () => {
    let workbench: Workbench | undefined;
    beforeAll(() => {
      workbench = new Workbench(factory());
    });
    const bench = (): Workbench => {
      if (workbench === undefined) throw new Error('the workbench is made before the first test');
      return workbench;
    };
    describeProducts(bench);
    describeTreeProducts(bench);
    describeElementwise(bench);
    describeRows(bench);
    describeSums(bench);
    describeFused(bench);
    describeOptimizers(bench);
    describeWireFormats(bench);
  });
}
