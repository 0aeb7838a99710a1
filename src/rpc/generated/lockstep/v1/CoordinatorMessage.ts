// Original file: proto/lockstep/v1/lockstep.proto

import type { Welcome as _lockstep_v1_Welcome, Welcome__Output as _lockstep_v1_Welcome__Output } from '../../lockstep/v1/Welcome.js';
import type { Plan as _lockstep_v1_Plan, Plan__Output as _lockstep_v1_Plan__Output } from '../../lockstep/v1/Plan.js';
import type { ExchangeResult as _lockstep_v1_ExchangeResult, ExchangeResult__Output as _lockstep_v1_ExchangeResult__Output } from '../../lockstep/v1/ExchangeResult.js';
import type { Evaluate as _lockstep_v1_Evaluate, Evaluate__Output as _lockstep_v1_Evaluate__Output } from '../../lockstep/v1/Evaluate.js';
import type { Shutdown as _lockstep_v1_Shutdown, Shutdown__Output as _lockstep_v1_Shutdown__Output } from '../../lockstep/v1/Shutdown.js';
import type { Roster as _lockstep_v1_Roster, Roster__Output as _lockstep_v1_Roster__Output } from '../../lockstep/v1/Roster.js';
import type { ClockPing as _lockstep_v1_ClockPing, ClockPing__Output as _lockstep_v1_ClockPing__Output } from '../../lockstep/v1/ClockPing.js';

export interface CoordinatorMessage {
  'welcome'?: (_lockstep_v1_Welcome | null);
  'plan'?: (_lockstep_v1_Plan | null);
  'exchangeResult'?: (_lockstep_v1_ExchangeResult | null);
  'evaluate'?: (_lockstep_v1_Evaluate | null);
  'shutdown'?: (_lockstep_v1_Shutdown | null);
  'roster'?: (_lockstep_v1_Roster | null);
  'clockPing'?: (_lockstep_v1_ClockPing | null);
  'after'?: (number);
  'message'?: "welcome"|"roster"|"plan"|"exchangeResult"|"evaluate"|"shutdown"|"clockPing";
}

export interface CoordinatorMessage__Output {
  'welcome'?: (_lockstep_v1_Welcome__Output | null);
  'plan'?: (_lockstep_v1_Plan__Output | null);
  'exchangeResult'?: (_lockstep_v1_ExchangeResult__Output | null);
  'evaluate'?: (_lockstep_v1_Evaluate__Output | null);
  'shutdown'?: (_lockstep_v1_Shutdown__Output | null);
  'roster'?: (_lockstep_v1_Roster__Output | null);
  'clockPing'?: (_lockstep_v1_ClockPing__Output | null);
  'after': (number);
  'message'?: "welcome"|"roster"|"plan"|"exchangeResult"|"evaluate"|"shutdown"|"clockPing";
}
