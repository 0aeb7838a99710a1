/**
 * The scratch block of this instance. Each thread has an instance of its own on the same memory; a global variable
 * belongs to the instance, so no two threads share a block. Kernels keep nothing in it from one call to the next.
 */
let address: usize = 0;

/** Sets the block: `bytes` must be that of KERNEL_SCRATCH_ELEMENTS. */
export function setScratch(start: usize): void {
  address = start;
}

@inline
export function scratch(): usize {
  return address;
}
