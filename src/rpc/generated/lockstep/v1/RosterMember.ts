// Original file: proto/lockstep/v1/lockstep.proto


export interface RosterMember {
  'id'?: (string);
  'address'?: (string);
}

export interface RosterMember__Output {
  'id': (string);
  'address': (string);
}
