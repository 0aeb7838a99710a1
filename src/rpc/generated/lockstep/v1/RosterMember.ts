// Original file: proto/lockstep/v1/lockstep.proto


export interface RosterMember {
  'id'?: (string);
  'address'?: (string);
  'sharesVectors'?: (boolean);
}

export interface RosterMember__Output {
  'id': (string);
  'address': (string);
  'sharesVectors': (boolean);
}
