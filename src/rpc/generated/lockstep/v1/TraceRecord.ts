// Original file: proto/lockstep/v1/lockstep.proto


export interface TraceRecord {
  'track'?: (string);
  'name'?: (string);
  'startMs'?: (number | string);
  'endMs'?: (number | string);
  'instant'?: (boolean);
  'args'?: ({[key: string]: number | string});
}

export interface TraceRecord__Output {
  'track': (string);
  'name': (string);
  'startMs': (number);
  'endMs': (number);
  'instant': (boolean);
  'args': ({[key: string]: number});
}
