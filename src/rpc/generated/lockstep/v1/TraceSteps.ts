// Original file: proto/lockstep/v1/lockstep.proto


export interface TraceSteps {
  'firstStep'?: (number);
  'endStep'?: (number);
}

export interface TraceSteps__Output {
  'firstStep': (number);
  'endStep': (number);
}
