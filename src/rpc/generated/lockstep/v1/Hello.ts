// Original file: proto/lockstep/v1/lockstep.proto


export interface Hello {
  'version'?: (string);
  'backend'?: (string);
  'threads'?: (number);
  'address'?: (string);
  'host'?: (string);
  'pid'?: (number);
}

export interface Hello__Output {
  'version': (string);
  'backend': (string);
  'threads': (number);
  'address': (string);
  'host': (string);
  'pid': (number);
}
