import { checkGradients, type GradientCheckOptions } from '../../src/gradients/check.js';

/** How far each parameter's gradient is from central differences in every element, by tensor name; without penalties. */
export function gradientErrors(
  options: Omit<GradientCheckOptions, 'regularization' | 'seed'>,
): Readonly<Record<string, number>> {
  const { tensors } = checkGradients({
    ...options,
    regularization: { l2: 0, l1: 0 },
    seed: 1,
    step: 3,
    elements: Infinity,
  });
  for (const { name, size, elements } of tensors) {
    if (elements !== size) throw new Error(`${name}: only ${elements} of ${size} elements were compared`);
  }
  return Object.fromEntries(tensors.map(({ name, error }) => [name, error]));
}
