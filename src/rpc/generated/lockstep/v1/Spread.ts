// Original file: proto/lockstep/v1/lockstep.proto


export interface Spread {
  'count'?: (number);
  'mean'?: (number | string);
  'squares'?: (number | string);
}

export interface Spread__Output {
  'count': (number);
  'mean': (number);
  'squares': (number);
}
