/** Bandwidths as their fields define them. */

/** 10⁹ bytes per second. */
export function gigabytesPerSecond(bytes: number, ms: number): number {
  return bytes / ms / 1e6;
}

/**
 * Bus bandwidth of an all-reduce, as nccl-tests define it (doc/PERFORMANCE.md): algbw · 2(n − 1)/n, where algbw = bytes / time and
 * `bytes` is the size of the vector. Every process must send and receive at least 2(n − 1)/n vectors, so this number can be held
 * against the speed of a link whatever the number of processes.
 *
 * @param algorithmBandwidth of the same unit as the result
 */
export function busBandwidth(algorithmBandwidth: number, processes: number): number {
  return (algorithmBandwidth * 2 * (processes - 1)) / processes;
}
