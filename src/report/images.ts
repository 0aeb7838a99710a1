/** Samples that are images, as files that a page can hold. */
import { encode } from 'fast-png';

interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Grey, RGB, RGB with alpha. Any other number of channels is something else than a picture. */
const CHANNELS: readonly number[] = [1, 3, 4];
/** A larger image is shrunk: a report is looked at, and has many of them. */
const LARGEST_SIDE = 96;

function imageShape([height = 0, width = 0, channels = 0, ...rest]: readonly number[]): ImageShape | null {
  const fits = height > 1 && width > 1 && CHANNELS.includes(channels) && rest.length === 0;
  return fits ? { height, width, channels } : null;
}

/** Whether samples of this shape, channels last, can be shown as images. */
export function isImage(featureShape: readonly number[]): boolean {
  return imageShape(featureShape) !== null;
}

/**
 * A sample as a PNG in a data URI.
 *
 * @param features bytes in base64, or numbers: these are stretched so that the smallest is black and the largest white
 * @returns null when the shape is not that of an image, or has another number of values than there are
 */
export function imageUri(features: string | readonly number[], featureShape: readonly number[]): string | null {
  const shape = imageShape(featureShape);
  if (shape === null) return null;
  const bytes = typeof features === 'string' ? new Uint8Array(Buffer.from(features, 'base64')) : stretched(features);
  if (bytes.length !== shape.height * shape.width * shape.channels) return null;
  const { height, width, channels, data } = shrunk(bytes, shape);
  const png = encode({ width, height, channels, depth: 8, data });
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}

function stretched(values: readonly number[]): Uint8Array {
  const finite = values.filter((value) => Number.isFinite(value));
  const low = finite.reduce((least, value) => Math.min(least, value), Infinity);
  const high = finite.reduce((most, value) => Math.max(most, value), -Infinity);
  const range = high - low || 1;
  return Uint8Array.from(values, (value) => (Number.isFinite(value) ? Math.round(((value - low) / range) * 255) : 0));
}

/** Squares of as many pixels as it takes become one, their mean. */
function shrunk(data: Uint8Array, { height, width, channels }: ImageShape): ImageShape & { readonly data: Uint8Array } {
  const by = Math.ceil(Math.max(height, width) / LARGEST_SIDE);
  if (by === 1) return { height, width, channels, data };
  const [rows, columns] = [Math.max(1, Math.floor(height / by)), Math.max(1, Math.floor(width / by))];
  const small = new Uint8Array(rows * columns * channels);
  const [tall, wide] = [Math.min(by, height), Math.min(by, width)];
  for (let i = 0; i < small.length; i++) {
    const channel = i % channels;
    const column = Math.floor(i / channels) % columns;
    const row = Math.floor(i / channels / columns);
    let sum = 0;
    for (let y = row * by; y < row * by + tall; y++) {
      for (let x = column * by; x < column * by + wide; x++) sum += data[(y * width + x) * channels + channel] ?? 0;
    }
    small[i] = Math.round(sum / (tall * wide));
  }
  return { height: rows, width: columns, channels, data: small };
}
