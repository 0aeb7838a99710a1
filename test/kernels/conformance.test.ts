import { describe, expect, it } from 'vitest';
import { systemBlas } from '../../src/kernels/openblas/library.js';
import { kernelFactory, selectBackend } from '../../src/kernels/select.js';
import { describeConformance } from './conformance.js';

describeConformance('reference in float32', () => kernelFactory('reference'));
describeConformance('wasm', () => kernelFactory('wasm'));

const blas = systemBlas();
if (blas.library !== null) {
  describeConformance(`openblas: ${blas.library.description}`, () => kernelFactory('openblas'));
} else {
  describe(`openblas is not on this machine, its conformance was not tested: ${blas.reason}`, () => {
    it('is refused with the reason and the way to install it', () => {
      expect(() => selectBackend('openblas')).toThrow(blas.reason);
    });
  });
}
