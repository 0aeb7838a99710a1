// Original file: proto/lockstep/v1/lockstep.proto


export interface ActiveUnits {
  'layer'?: (number);
  'units'?: (Buffer | Uint8Array | string);
}

export interface ActiveUnits__Output {
  'layer': (number);
  'units': (Buffer);
}
