/**
 * Initial values of a tensor. Each element is a function of (seed, tensor, element), so any process could form any part of it.
 *
 *   he      variance 2/n   He et al. 2015, for the ReLU family
 *   xavier  variance 1/n   Glorot & Bengio 2010, in the form that keeps the variance of the forward pass
 *
 * n is the number of inputs of the layer; values are normal, times `scale`.
 */
import { normal, uniform53 } from '../common/random/normal.js';
import { philox4x32 } from '../common/random/philox.js';
import { Purpose } from '../common/random/purpose.js';
import { WasmWorkbench } from '../kernels/wasm/workbench.js';
import type { ParameterSpec } from './layer.js';

/** From so many elements on the same numbers are drawn by the WASM kernels, several times as fast. */
const MANY = 4096;
let workbench: WasmWorkbench | undefined;

/** Fills `values` with the initial values of the model's tensor number `tensor`. */
export function initialize(
  parameter: ParameterSpec,
  seed: number,
  tensor: number,
  values: Float32Array | Float64Array,
): void {
  const { initializer } = parameter;
  if (initializer.type === 'ones') {
    values.fill(1);
  } else if (initializer.type === 'zeros') {
    values.fill(0);
  } else {
    const deviation = initializer.scale * Math.sqrt((initializer.type === 'he' ? 2 : 1) / parameter.fanIn);
    if (values instanceof Float32Array && values.length >= MANY) {
      (workbench ??= new WasmWorkbench()).drawNormal(values, { seed, purpose: Purpose.initialise, tensor, deviation });
      return;
    }
    const words = new Uint32Array(4);
    for (let i = 0; i < values.length; i += 2) {
      philox4x32(i / 2, tensor, 0, 0, seed, Purpose.initialise, words);
      values[i] = normal(uniform53(words[0] as number, words[1] as number)) * deviation;
      if (i + 1 < values.length) {
        values[i + 1] = normal(uniform53(words[2] as number, words[3] as number)) * deviation;
      }
    }
  }
}
