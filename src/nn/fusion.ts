/** Which layers of a model run as one: a layer that can apply a ReLU itself, and the ReLU that alone takes its output. */
import type { LayerProgram } from './layer.js';
import type { Model } from './model.js';

/** What is left of a layer that another one has absorbed. */
export const ABSORBED: LayerProgram = { forward: [], inference: [], backward: [], gradients: [] };

/** The layers that another one applies, by index: the index of that other. */
export function absorbedRelus(model: Model): ReadonlyMap<number, number> {
  const consumers = new Map<number, number>();
  for (const { inputs } of model.nodes) for (const from of inputs) consumers.set(from, (consumers.get(from) ?? 0) + 1);
  const absorbed = new Map<number, number>();
  for (const { index, layer, inputs } of model.nodes) {
    const [from = -1] = inputs;
    const isAlone = inputs.length === 1 && consumers.get(from) === 1;
    if (layer.type === 'relu' && isAlone && model.nodes[from]?.layer.fusesRelu === true) absorbed.set(index, from);
  }
  return absorbed;
}
