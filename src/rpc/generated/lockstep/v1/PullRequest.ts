// Original file: proto/lockstep/v1/lockstep.proto


export interface PullRequest {
  'workerId'?: (string);
  'runId'?: (string);
}

export interface PullRequest__Output {
  'workerId': (string);
  'runId': (string);
}
