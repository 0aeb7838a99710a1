// Original file: proto/lockstep/v1/lockstep.proto


export interface ClockPing {
  'sentMs'?: (number | string);
}

export interface ClockPing__Output {
  'sentMs': (number);
}
