/** Door of `red`: the coordination layer for replicated databases (docs/guide/red.md). */
export { Coordinator } from './coordinator.js';
export { Driver } from './driver.js';
export type { Machine } from './driver.js';
export { LineReader } from './lines.js';
export type { Line } from './lines.js';
export { listen } from './listener.js';
export type { ListenerEvent, ListenOptions, ReplicaEvents, ReplicaListener } from './listener.js';
export { FencedLog, type FencedRecord } from './fenced-log.js';
export { Member } from './member.js';
export type { Act, MemberInput, MemberOutput, MemberSettings } from './member.js';
export { formatCoordinatorMessage, formatReplicaMessage } from './messages.js';
export { isMemberId, lineBytesMax, parseCoordinatorLine, parseReplicaLine } from './messages.js';
export type {
  CoordinatorMessage,
  Fenced,
  Lag,
  LineProblem,
  MemberId,
  Parsed,
  ReplicaMessage,
} from './messages.js';
export { awaitWriter, readOverview, readWriter } from './overview.js';
export type { MemberOverview, Overview, WaitForWriter, Writer } from './overview.js';
export type { AgentEvent } from './postgres/agent-events.js';
export type { PostgresAgent } from './postgres/agent.js';
export { loadTrial, openPostgresAgent } from './postgres/open-agent.js';
export type { PostgresAgentOptions } from './postgres/open-agent.js';
export type { ServerPlace, TrialClient } from './postgres/trial-client.js';
export { checkCoordinatorLease, coordinatorSettings, defaultLeaseMs } from './protocol.js';
export type { Answer, CoordinatorInput, CoordinatorOutput, CoordinatorSettings } from './protocol.js';
export type { RedOperation, Role } from './protocol.js';
export { CoordinatorRunner } from './runner.js';
export type { ReplicaPort, RunnerEvent, RunnerOptions } from './runner.js';
export { SyncRule } from './sync-rule.js';
export type { SyncRuleStart } from './sync-rule.js';
