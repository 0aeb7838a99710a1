import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { ActiveUnits as _lockstep_v1_ActiveUnits, ActiveUnits__Output as _lockstep_v1_ActiveUnits__Output } from './lockstep/v1/ActiveUnits.js';
import type { BoardRefused as _lockstep_v1_BoardRefused, BoardRefused__Output as _lockstep_v1_BoardRefused__Output } from './lockstep/v1/BoardRefused.js';
import type { BulkClient as _lockstep_v1_BulkClient, BulkDefinition as _lockstep_v1_BulkDefinition } from './lockstep/v1/Bulk.js';
import type { BulkChunk as _lockstep_v1_BulkChunk, BulkChunk__Output as _lockstep_v1_BulkChunk__Output } from './lockstep/v1/BulkChunk.js';
import type { BulkRequest as _lockstep_v1_BulkRequest, BulkRequest__Output as _lockstep_v1_BulkRequest__Output } from './lockstep/v1/BulkRequest.js';
import type { ClockPing as _lockstep_v1_ClockPing, ClockPing__Output as _lockstep_v1_ClockPing__Output } from './lockstep/v1/ClockPing.js';
import type { ClockPong as _lockstep_v1_ClockPong, ClockPong__Output as _lockstep_v1_ClockPong__Output } from './lockstep/v1/ClockPong.js';
import type { CoordinatorClient as _lockstep_v1_CoordinatorClient, CoordinatorDefinition as _lockstep_v1_CoordinatorDefinition } from './lockstep/v1/Coordinator.js';
import type { CoordinatorMessage as _lockstep_v1_CoordinatorMessage, CoordinatorMessage__Output as _lockstep_v1_CoordinatorMessage__Output } from './lockstep/v1/CoordinatorMessage.js';
import type { Evaluate as _lockstep_v1_Evaluate, Evaluate__Output as _lockstep_v1_Evaluate__Output } from './lockstep/v1/Evaluate.js';
import type { Evaluated as _lockstep_v1_Evaluated, Evaluated__Output as _lockstep_v1_Evaluated__Output } from './lockstep/v1/Evaluated.js';
import type { ExchangeNodes as _lockstep_v1_ExchangeNodes, ExchangeNodes__Output as _lockstep_v1_ExchangeNodes__Output } from './lockstep/v1/ExchangeNodes.js';
import type { ExchangeResult as _lockstep_v1_ExchangeResult, ExchangeResult__Output as _lockstep_v1_ExchangeResult__Output } from './lockstep/v1/ExchangeResult.js';
import type { Failed as _lockstep_v1_Failed, Failed__Output as _lockstep_v1_Failed__Output } from './lockstep/v1/Failed.js';
import type { Fence as _lockstep_v1_Fence, Fence__Output as _lockstep_v1_Fence__Output } from './lockstep/v1/Fence.js';
import type { Hello as _lockstep_v1_Hello, Hello__Output as _lockstep_v1_Hello__Output } from './lockstep/v1/Hello.js';
import type { MemoryOffer as _lockstep_v1_MemoryOffer, MemoryOffer__Output as _lockstep_v1_MemoryOffer__Output } from './lockstep/v1/MemoryOffer.js';
import type { Misjudged as _lockstep_v1_Misjudged, Misjudged__Output as _lockstep_v1_Misjudged__Output } from './lockstep/v1/Misjudged.js';
import type { NodeValues as _lockstep_v1_NodeValues, NodeValues__Output as _lockstep_v1_NodeValues__Output } from './lockstep/v1/NodeValues.js';
import type { Opening as _lockstep_v1_Opening, Opening__Output as _lockstep_v1_Opening__Output } from './lockstep/v1/Opening.js';
import type { PeerLost as _lockstep_v1_PeerLost, PeerLost__Output as _lockstep_v1_PeerLost__Output } from './lockstep/v1/PeerLost.js';
import type { PieceChunk as _lockstep_v1_PieceChunk, PieceChunk__Output as _lockstep_v1_PieceChunk__Output } from './lockstep/v1/PieceChunk.js';
import type { Plan as _lockstep_v1_Plan, Plan__Output as _lockstep_v1_Plan__Output } from './lockstep/v1/Plan.js';
import type { Ready as _lockstep_v1_Ready, Ready__Output as _lockstep_v1_Ready__Output } from './lockstep/v1/Ready.js';
import type { Roster as _lockstep_v1_Roster, Roster__Output as _lockstep_v1_Roster__Output } from './lockstep/v1/Roster.js';
import type { RosterMember as _lockstep_v1_RosterMember, RosterMember__Output as _lockstep_v1_RosterMember__Output } from './lockstep/v1/RosterMember.js';
import type { Segment as _lockstep_v1_Segment, Segment__Output as _lockstep_v1_Segment__Output } from './lockstep/v1/Segment.js';
import type { ShardReport as _lockstep_v1_ShardReport, ShardReport__Output as _lockstep_v1_ShardReport__Output } from './lockstep/v1/ShardReport.js';
import type { ShardScore as _lockstep_v1_ShardScore, ShardScore__Output as _lockstep_v1_ShardScore__Output } from './lockstep/v1/ShardScore.js';
import type { Shutdown as _lockstep_v1_Shutdown, Shutdown__Output as _lockstep_v1_Shutdown__Output } from './lockstep/v1/Shutdown.js';
import type { Spread as _lockstep_v1_Spread, Spread__Output as _lockstep_v1_Spread__Output } from './lockstep/v1/Spread.js';
import type { StepReport as _lockstep_v1_StepReport, StepReport__Output as _lockstep_v1_StepReport__Output } from './lockstep/v1/StepReport.js';
import type { TraceRecord as _lockstep_v1_TraceRecord, TraceRecord__Output as _lockstep_v1_TraceRecord__Output } from './lockstep/v1/TraceRecord.js';
import type { TraceSpans as _lockstep_v1_TraceSpans, TraceSpans__Output as _lockstep_v1_TraceSpans__Output } from './lockstep/v1/TraceSpans.js';
import type { TraceSteps as _lockstep_v1_TraceSteps, TraceSteps__Output as _lockstep_v1_TraceSteps__Output } from './lockstep/v1/TraceSteps.js';
import type { Welcome as _lockstep_v1_Welcome, Welcome__Output as _lockstep_v1_Welcome__Output } from './lockstep/v1/Welcome.js';
import type { WorkerMessage as _lockstep_v1_WorkerMessage, WorkerMessage__Output as _lockstep_v1_WorkerMessage__Output } from './lockstep/v1/WorkerMessage.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  lockstep: {
    v1: {
      ActiveUnits: MessageTypeDefinition<_lockstep_v1_ActiveUnits, _lockstep_v1_ActiveUnits__Output>
      BoardRefused: MessageTypeDefinition<_lockstep_v1_BoardRefused, _lockstep_v1_BoardRefused__Output>
      Bulk: SubtypeConstructor<typeof grpc.Client, _lockstep_v1_BulkClient> & { service: _lockstep_v1_BulkDefinition }
      BulkChunk: MessageTypeDefinition<_lockstep_v1_BulkChunk, _lockstep_v1_BulkChunk__Output>
      BulkRequest: MessageTypeDefinition<_lockstep_v1_BulkRequest, _lockstep_v1_BulkRequest__Output>
      ClockPing: MessageTypeDefinition<_lockstep_v1_ClockPing, _lockstep_v1_ClockPing__Output>
      ClockPong: MessageTypeDefinition<_lockstep_v1_ClockPong, _lockstep_v1_ClockPong__Output>
      Coordinator: SubtypeConstructor<typeof grpc.Client, _lockstep_v1_CoordinatorClient> & { service: _lockstep_v1_CoordinatorDefinition }
      CoordinatorMessage: MessageTypeDefinition<_lockstep_v1_CoordinatorMessage, _lockstep_v1_CoordinatorMessage__Output>
      Evaluate: MessageTypeDefinition<_lockstep_v1_Evaluate, _lockstep_v1_Evaluate__Output>
      Evaluated: MessageTypeDefinition<_lockstep_v1_Evaluated, _lockstep_v1_Evaluated__Output>
      ExchangeNodes: MessageTypeDefinition<_lockstep_v1_ExchangeNodes, _lockstep_v1_ExchangeNodes__Output>
      ExchangeResult: MessageTypeDefinition<_lockstep_v1_ExchangeResult, _lockstep_v1_ExchangeResult__Output>
      Failed: MessageTypeDefinition<_lockstep_v1_Failed, _lockstep_v1_Failed__Output>
      Fence: MessageTypeDefinition<_lockstep_v1_Fence, _lockstep_v1_Fence__Output>
      Hello: MessageTypeDefinition<_lockstep_v1_Hello, _lockstep_v1_Hello__Output>
      MemoryOffer: MessageTypeDefinition<_lockstep_v1_MemoryOffer, _lockstep_v1_MemoryOffer__Output>
      Misjudged: MessageTypeDefinition<_lockstep_v1_Misjudged, _lockstep_v1_Misjudged__Output>
      NodeValues: MessageTypeDefinition<_lockstep_v1_NodeValues, _lockstep_v1_NodeValues__Output>
      Opening: MessageTypeDefinition<_lockstep_v1_Opening, _lockstep_v1_Opening__Output>
      PeerLost: MessageTypeDefinition<_lockstep_v1_PeerLost, _lockstep_v1_PeerLost__Output>
      PieceChunk: MessageTypeDefinition<_lockstep_v1_PieceChunk, _lockstep_v1_PieceChunk__Output>
      PieceKind: EnumTypeDefinition
      Plan: MessageTypeDefinition<_lockstep_v1_Plan, _lockstep_v1_Plan__Output>
      Ready: MessageTypeDefinition<_lockstep_v1_Ready, _lockstep_v1_Ready__Output>
      Roster: MessageTypeDefinition<_lockstep_v1_Roster, _lockstep_v1_Roster__Output>
      RosterMember: MessageTypeDefinition<_lockstep_v1_RosterMember, _lockstep_v1_RosterMember__Output>
      Segment: MessageTypeDefinition<_lockstep_v1_Segment, _lockstep_v1_Segment__Output>
      ShardReport: MessageTypeDefinition<_lockstep_v1_ShardReport, _lockstep_v1_ShardReport__Output>
      ShardScore: MessageTypeDefinition<_lockstep_v1_ShardScore, _lockstep_v1_ShardScore__Output>
      Shutdown: MessageTypeDefinition<_lockstep_v1_Shutdown, _lockstep_v1_Shutdown__Output>
      Spread: MessageTypeDefinition<_lockstep_v1_Spread, _lockstep_v1_Spread__Output>
      StepReport: MessageTypeDefinition<_lockstep_v1_StepReport, _lockstep_v1_StepReport__Output>
      TraceRecord: MessageTypeDefinition<_lockstep_v1_TraceRecord, _lockstep_v1_TraceRecord__Output>
      TraceSpans: MessageTypeDefinition<_lockstep_v1_TraceSpans, _lockstep_v1_TraceSpans__Output>
      TraceSteps: MessageTypeDefinition<_lockstep_v1_TraceSteps, _lockstep_v1_TraceSteps__Output>
      Welcome: MessageTypeDefinition<_lockstep_v1_Welcome, _lockstep_v1_Welcome__Output>
      WireFormat: EnumTypeDefinition
      WorkerMessage: MessageTypeDefinition<_lockstep_v1_WorkerMessage, _lockstep_v1_WorkerMessage__Output>
    }
  }
}

