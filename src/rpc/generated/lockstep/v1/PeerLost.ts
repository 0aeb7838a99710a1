// Original file: proto/lockstep/v1/lockstep.proto


export interface PeerLost {
  'peer'?: (string);
  'reason'?: (string);
}

export interface PeerLost__Output {
  'peer': (string);
  'reason': (string);
}
