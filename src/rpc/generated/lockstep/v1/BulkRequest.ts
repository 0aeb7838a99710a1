// Original file: proto/lockstep/v1/lockstep.proto


export interface BulkRequest {
  'runId'?: (string);
  'reader'?: (string);
  'source'?: (string);
  'lane'?: (number);
  'hostId'?: (string);
  'inPlace'?: (boolean);
}

export interface BulkRequest__Output {
  'runId': (string);
  'reader': (string);
  'source': (string);
  'lane': (number);
  'hostId': (string);
  'inPlace': (boolean);
}
