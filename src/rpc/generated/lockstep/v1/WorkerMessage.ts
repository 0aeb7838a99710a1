// Original file: proto/lockstep/v1/lockstep.proto

import type { Hello as _lockstep_v1_Hello, Hello__Output as _lockstep_v1_Hello__Output } from '../../lockstep/v1/Hello.js';
import type { Ready as _lockstep_v1_Ready, Ready__Output as _lockstep_v1_Ready__Output } from '../../lockstep/v1/Ready.js';
import type { ExchangeNodes as _lockstep_v1_ExchangeNodes, ExchangeNodes__Output as _lockstep_v1_ExchangeNodes__Output } from '../../lockstep/v1/ExchangeNodes.js';
import type { StepReport as _lockstep_v1_StepReport, StepReport__Output as _lockstep_v1_StepReport__Output } from '../../lockstep/v1/StepReport.js';
import type { Evaluated as _lockstep_v1_Evaluated, Evaluated__Output as _lockstep_v1_Evaluated__Output } from '../../lockstep/v1/Evaluated.js';
import type { Failed as _lockstep_v1_Failed, Failed__Output as _lockstep_v1_Failed__Output } from '../../lockstep/v1/Failed.js';
import type { PeerLost as _lockstep_v1_PeerLost, PeerLost__Output as _lockstep_v1_PeerLost__Output } from '../../lockstep/v1/PeerLost.js';
import type { BoardRefused as _lockstep_v1_BoardRefused, BoardRefused__Output as _lockstep_v1_BoardRefused__Output } from '../../lockstep/v1/BoardRefused.js';
import type { ClockPong as _lockstep_v1_ClockPong, ClockPong__Output as _lockstep_v1_ClockPong__Output } from '../../lockstep/v1/ClockPong.js';
import type { TraceSpans as _lockstep_v1_TraceSpans, TraceSpans__Output as _lockstep_v1_TraceSpans__Output } from '../../lockstep/v1/TraceSpans.js';

export interface WorkerMessage {
  'hello'?: (_lockstep_v1_Hello | null);
  'ready'?: (_lockstep_v1_Ready | null);
  'exchangeNodes'?: (_lockstep_v1_ExchangeNodes | null);
  'stepReport'?: (_lockstep_v1_StepReport | null);
  'evaluated'?: (_lockstep_v1_Evaluated | null);
  'failed'?: (_lockstep_v1_Failed | null);
  'peerLost'?: (_lockstep_v1_PeerLost | null);
  'boardRefused'?: (_lockstep_v1_BoardRefused | null);
  'clockPong'?: (_lockstep_v1_ClockPong | null);
  'traceSpans'?: (_lockstep_v1_TraceSpans | null);
  'message'?: "hello"|"ready"|"exchangeNodes"|"stepReport"|"evaluated"|"failed"|"peerLost"|"boardRefused"|"clockPong"|"traceSpans";
}

export interface WorkerMessage__Output {
  'hello'?: (_lockstep_v1_Hello__Output | null);
  'ready'?: (_lockstep_v1_Ready__Output | null);
  'exchangeNodes'?: (_lockstep_v1_ExchangeNodes__Output | null);
  'stepReport'?: (_lockstep_v1_StepReport__Output | null);
  'evaluated'?: (_lockstep_v1_Evaluated__Output | null);
  'failed'?: (_lockstep_v1_Failed__Output | null);
  'peerLost'?: (_lockstep_v1_PeerLost__Output | null);
  'boardRefused'?: (_lockstep_v1_BoardRefused__Output | null);
  'clockPong'?: (_lockstep_v1_ClockPong__Output | null);
  'traceSpans'?: (_lockstep_v1_TraceSpans__Output | null);
  'message'?: "hello"|"ready"|"exchangeNodes"|"stepReport"|"evaluated"|"failed"|"peerLost"|"boardRefused"|"clockPong"|"traceSpans";
}
