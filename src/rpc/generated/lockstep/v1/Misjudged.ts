// Original file: proto/lockstep/v1/lockstep.proto


export interface Misjudged {
  'sample'?: (number);
  'loss'?: (number | string);
  'target'?: (number | string);
  'predicted'?: (number | string);
}

export interface Misjudged__Output {
  'sample': (number);
  'loss': (number);
  'target': (number);
  'predicted': (number);
}
