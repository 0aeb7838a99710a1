import type { WireFormats } from '../contract/wire-formats.js';
import type { WasmExports } from './exports.js';

/** The kernels of the wire formats; a float32 needs no rounding, and its bytes are those of the arena. */
export function wasmWireFormats(wasm: WasmExports): WireFormats {
  return {
    roundTo(format, n, x) {
      if (format === 'bfloat16') wasm.roundToBfloat16(n, x * 4);
      else if (format === 'float16') wasm.roundToFloat16(n, x * 4);
    },

    addRounded(format, n, x, y) {
      if (format === 'bfloat16') wasm.addRoundedBfloat16(n, x * 4, y * 4);
      else if (format === 'float16') wasm.addRoundedFloat16(n, x * 4, y * 4);
      else wasm.add(n, x * 4, y * 4);
    },

    encode(format, n, x, bytes) {
      if (format === 'bfloat16') wasm.encodeBfloat16(n, x * 4, bytes);
      else if (format === 'float16') wasm.encodeFloat16(n, x * 4, bytes);
      else wasm.copy(n, x * 4, bytes);
    },

    decode(format, n, bytes, y) {
      if (format === 'bfloat16') wasm.decodeBfloat16(n, bytes, y * 4);
      else if (format === 'float16') wasm.decodeFloat16(n, bytes, y * 4);
      else wasm.copy(n, bytes, y * 4);
    },
  };
}
