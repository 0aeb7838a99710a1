import { createHash } from 'node:crypto';

/**
 * SHA-256, in hexadecimal, over the little-endian float32 bytes of tensors one after another. Over every parameter and
 * batch-norm running statistic in model order it is the fingerprint of a model: two runs are equal bit for bit when it
 * is equal.
 */
export function weightsSha256(tensors: Iterable<Float32Array>): string {
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of tensors) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}
