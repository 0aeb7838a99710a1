// Original file: proto/lockstep/v1/lockstep.proto


export interface ClockPong {
  'sentMs'?: (number | string);
  'remoteReceivedMs'?: (number | string);
  'remoteSentMs'?: (number | string);
}

export interface ClockPong__Output {
  'sentMs': (number);
  'remoteReceivedMs': (number);
  'remoteSentMs': (number);
}
