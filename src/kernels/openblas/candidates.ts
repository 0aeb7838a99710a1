const DEBIAN_TRIPLETS: Readonly<Record<string, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
  ppc64: 'powerpc64le-linux-gnu',
  s390x: 's390x-linux-gnu',
  riscv64: 'riscv64-linux-gnu',
};

/**
 * Where an OpenBLAS with 32-bit integers may be found, best first: names that the loader resolves, then the folders of
 * distributions whose default is another BLAS. Builds with threads come first: they are safe to call from several.
 */
export function candidateLibraries(platform: NodeJS.Platform, arch: string): string[] {
  if (platform === 'darwin') {
    return [
      '/System/Library/Frameworks/Accelerate.framework/Accelerate',
      '/opt/homebrew/opt/openblas/lib/libopenblas.dylib',
      '/usr/local/opt/openblas/lib/libopenblas.dylib',
    ];
  }
  if (platform === 'win32') return ['libopenblas.dll', 'openblas.dll'];
  const triplet = DEBIAN_TRIPLETS[arch];
  const debian =
    triplet === undefined
      ? []
      : ['pthread', 'openmp', 'serial'].map((build) => `/usr/lib/${triplet}/openblas-${build}/libopenblas.so.0`);
  // Fedora keeps one name per build: p with threads, o with OpenMP, none for the serial one.
  return ['libopenblasp.so.0', 'libopenblas.so.0', 'libopenblas.so', 'libopenblaso.so.0', ...debian];
}
