import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/kernels/arena.js';
import { KERNEL_SCRATCH_ELEMENTS } from '../../src/kernels/kernels.js';
import { measureBackends } from '../../src/kernels/measure.js';
import { candidateLibraries } from '../../src/kernels/openblas/candidates.js';
import { examinedBlas, findBlas, systemBlas } from '../../src/kernels/openblas/library.js';
import { kernelFactory, selectBackend } from '../../src/kernels/select.js';

describe('the search for a BLAS library', () => {
  it('names a file that is not there', () => {
    const lookup = findBlas('/nowhere/libopenblas.so.0');
    expect(lookup).toMatchObject({
      library: null,
      reason: expect.stringContaining('/nowhere/libopenblas.so.0') as string,
    });
  });

  it('names a file that is not a library', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-'));
    const file = join(folder, 'libopenblas.so.0');
    writeFileSync(file, 'not a library');
    const lookup = findBlas(file);
    rmSync(folder, { recursive: true });
    expect(lookup).toMatchObject({ library: null, reason: expect.stringContaining(file) as string });
  });

  it.runIf(process.platform === 'linux')('refuses a library without products', () => {
    expect(findBlas('libc.so.6')).toEqual({
      library: null,
      reason: 'libc.so.6 cannot be used: it has no function cblas_sgemm',
    });
  });

  it('looks where each system keeps it', () => {
    expect(candidateLibraries('linux', 'x64')).toContain('/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0');
    expect(candidateLibraries('linux', 'arm64')).toContain(
      '/usr/lib/aarch64-linux-gnu/openblas-pthread/libopenblas.so.0',
    );
    expect(candidateLibraries('linux', 'mips')).toContain('libopenblas.so.0');
    expect(candidateLibraries('darwin', 'arm64')[0]).toContain('Accelerate');
  });
});

describe('an examined library', () => {
  it.runIf(process.platform === 'linux')('is not examined again: it is only loaded', () => {
    const lookup = systemBlas();
    expect(examinedBlas()).toBe(lookup.library === null ? null : lookup.file);
    // Without products it is of no use, examined or not.
    expect(findBlas('libc.so.6', true)).toMatchObject({ library: null });
    if (lookup.library === null) return;
    const trusted = findBlas(lookup.file, true);
    expect(trusted.library?.description).toBe(lookup.library.description);
  });
});

describe('the selection of a backend', () => {
  it('takes what is asked for', () => {
    expect(selectBackend('wasm').backend).toBe('wasm');
    expect(selectBackend('reference').backend).toBe('reference');
  });

  it('auto takes openblas exactly where it loads, and says why', () => {
    const lookup = systemBlas();
    expect(selectBackend('auto')).toEqual(
      lookup.library === null
        ? { backend: 'wasm', reason: lookup.reason }
        : { backend: 'openblas', reason: `uses ${lookup.library.description}` },
    );
  });

  it('makes kernels of the backend', () => {
    for (const backend of ['reference', 'wasm', selectBackend('auto').backend] as const) {
      const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS);
      const kernels = kernelFactory(backend)(arena, arena.allocate(KERNEL_SCRATCH_ELEMENTS));
      expect(kernels.backend).toBe(backend);
      expect(kernels.arena).toBe(arena);
    }
  });

  it('computes float64 with the reference alone', () => {
    const arena = Arena.create(KERNEL_SCRATCH_ELEMENTS, 'float64');
    const scratch = arena.allocate(KERNEL_SCRATCH_ELEMENTS);
    expect(() => kernelFactory('wasm')(arena, scratch)).toThrow('float32');
    if (systemBlas().library !== null) expect(() => kernelFactory('openblas')(arena, scratch)).toThrow('float32');
    expect(kernelFactory('reference')(arena, scratch).backend).toBe('reference');
  });
});

describe('the measurement of backends', () => {
  it('says of each how fast it is, or why it is missing and what to do', () => {
    const measurements = measureBackends();
    expect(measurements.map(({ backend }) => backend)).toEqual(['openblas', 'wasm', 'reference']);
    for (const { available, description, gflops, howToGetFaster } of measurements) {
      expect(description).not.toBe('');
      if (available) expect(gflops).toBeGreaterThan(0);
      else expect(howToGetFaster).toContain('libopenblas0-pthread');
    }
  });
});
