/** Samples in two IDX files: features [samples, …] and labels [samples]. Classes are the label numbers 0, 1, 2 … */
import { LockstepError } from '../../common/errors.js';
import { formatShape, type Shape } from '../../common/shape.js';
import type { DataSource, SplitName } from '../../job/job.js';
import type { SharedFeatures } from '../dataset.js';
import { DenseDataset } from '../dense.js';
import type { DataFiles } from '../files.js';
import { MAX_CATEGORIES, type Encoder, type Format, type Task, type TrainingSource } from './format.js';
import { parseIdx, type IdxFile } from './idx-file.js';

type IdxSource = Extract<DataSource, { format: 'idx' }>;

interface IdxSamples {
  readonly featuresPath: string;
  readonly labelsPath: string;
  readonly featureShape: Shape;
  readonly features: SharedFeatures;
  readonly labels: Float64Array<SharedArrayBuffer>;
}

export const idx: Format<IdxSource> = {
  async open(source, task, files) {
    return new IdxTrainingSource(await readSamples(source, task, files), task);
  },
};

class IdxTrainingSource implements TrainingSource<IdxSource> {
  readonly size: number;
  readonly strata: Uint32Array | null;
  readonly #samples: IdxSamples;
  readonly #task: Task;

  constructor(samples: IdxSamples, task: Task) {
    this.size = samples.labels.length;
    this.strata = task === 'classification' ? new Uint32Array(samples.labels) : null;
    this.#samples = samples;
    this.#task = task;
  }

  fit(): Encoder<IdxSource> {
    return new IdxEncoder(this.#samples, this.#task);
  }
}

class IdxEncoder implements Encoder<IdxSource> {
  readonly featureShape: Shape;
  readonly classes: readonly string[] | null;
  readonly labelName = null;
  readonly featureNames = null;
  readonly #training: IdxSamples;
  readonly #task: Task;

  constructor(training: IdxSamples, task: Task) {
    this.featureShape = training.featureShape;
    this.#training = training;
    this.#task = task;
    const highest = training.labels.reduce((max, label) => Math.max(max, label), 0);
    this.classes = task === 'classification' ? Array.from({ length: highest + 1 }, (_, label) => String(label)) : null;
  }

  encode(): DenseDataset {
    return toDataset(this.#training);
  }

  async encodeOther(source: IdxSource, split: SplitName, files: DataFiles): Promise<DenseDataset> {
    const samples = await readSamples(source, this.#task, files);
    const expected = formatShape(this.featureShape);
    const found = formatShape(samples.featureShape);
    if (found !== expected) {
      throw new LockstepError(
        'data',
        `${samples.featuresPath} has samples of ${found}, the training split of ${expected}`,
        {
          hint: `Give data.${split} a file with samples of the same shape.`,
        },
      );
    }
    const classCount = this.classes?.length ?? Infinity;
    const row = samples.labels.findIndex((label) => label >= classCount);
    if (row >= 0) {
      const message = `label ${samples.labels[row]} of sample ${row} (from 0) in ${samples.labelsPath} is out of range`;
      throw new LockstepError('data', `${message}: the training labels are 0 to ${classCount - 1}`, {
        hint: `Give data.${split} a file with the classes of the training split.`,
      });
    }
    const trainingType = this.#training.features instanceof Uint8Array;
    if (trainingType !== samples.features instanceof Uint8Array) {
      throw new LockstepError(
        'data',
        `${samples.featuresPath} and ${this.#training.featuresPath} have different element types`,
        {
          hint: 'Convert one of them: the values of one are most likely on another scale.',
        },
      );
    }
    return toDataset(samples);
  }
}

function toDataset(samples: IdxSamples): DenseDataset {
  return new DenseDataset(samples.featureShape, samples.features, samples.labels);
}

async function readSamples(source: IdxSource, task: Task, files: DataFiles): Promise<IdxSamples> {
  const features = parseIdx(await files.read(source.features), 'features');
  const labels = parseIdx(await files.read(source.labels), 'labels');
  if (labels.shape.length !== 1) {
    throw new LockstepError(
      'data',
      `${labels.path} has ${labels.shape.length} dimensions; labels have 1, one per sample`,
      {
        hint: 'Check that features and labels are not exchanged in the job.',
      },
    );
  }
  if (features.shape[0] !== labels.shape[0]) {
    const counts = `${features.shape[0]} samples in ${features.path}, ${labels.shape[0]} labels in ${labels.path}`;
    throw new LockstepError('data', `features and labels do not belong together: ${counts}`, {
      hint: 'Name the two files of one data set.',
    });
  }
  return {
    featuresPath: features.path,
    labelsPath: labels.path,
    featureShape: featureShapeOf(features),
    features: featureElements(features),
    labels: task === 'classification' ? classLabels(labels) : numberLabels(labels),
  };
}

/** Rank 2: [n]. Rank 3: images of one channel, [height, width, 1]. Rank 4: [height, width, channels]. */
function featureShapeOf(file: IdxFile): Shape {
  const sample = file.shape.slice(1);
  if (sample.length < 1 || sample.length > 3 || sample.includes(0)) {
    throw new LockstepError('data', `${file.path} has dimensions ${formatShape(file.shape)}, which are no features`, {
      hint: 'Features are [samples, n] or [samples, height, width] or … [, channels]; is this the label file?',
    });
  }
  return sample.length === 2 ? [...sample, 1] : sample;
}

function featureElements(file: IdxFile): SharedFeatures {
  const { elements } = file;
  if (elements instanceof Int32Array) {
    throw new LockstepError('data', `${file.path} holds features of type int32, which is not supported`, {
      hint: 'Convert them to uint8 or float32.',
    });
  }
  if (elements instanceof Float32Array) {
    const bad = elements.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      const width = elements.length / (file.shape[0] ?? 1);
      const position = `feature ${bad % width} of sample ${Math.floor(bad / width)} (both from 0)`;
      throw new LockstepError('data', `${position} in ${file.path} is ${elements[bad]}, not a finite number`, {
        hint: 'Replace missing values, or leave the sample out.',
      });
    }
  }
  return elements;
}

function classLabels(file: IdxFile): Float64Array<SharedArrayBuffer> {
  return copyLabels(
    file,
    (label) => Number.isInteger(label) && label >= 0 && label < MAX_CATEGORIES,
    (label) => {
      const rule = `a class is a whole number from 0 to ${MAX_CATEGORIES - 1}`;
      return { problem: `is ${label}; ${rule}`, hint: 'For numbers to be approximated set data.task to regression.' };
    },
  );
}

function numberLabels(file: IdxFile): Float64Array<SharedArrayBuffer> {
  return copyLabels(file, Number.isFinite, (label) => {
    return { problem: `is ${label}, not a finite number`, hint: 'Leave out samples whose label is not known.' };
  });
}

function copyLabels(
  file: IdxFile,
  isValid: (label: number) => boolean,
  describe: (label: number) => { problem: string; hint: string },
): Float64Array<SharedArrayBuffer> {
  const labels = new Float64Array(new SharedArrayBuffer(file.elements.length * Float64Array.BYTES_PER_ELEMENT));
  for (let row = 0; row < labels.length; row++) {
    const label = file.elements[row] as number;
    if (!isValid(label)) {
      const { problem, hint } = describe(label);
      throw new LockstepError('data', `label of sample ${row} (from 0) in ${file.path} ${problem}`, { hint });
    }
    labels[row] = label;
  }
  return labels;
}
