/**
 * Messages that a scenario puts into the mouth of a replica, signed with that replica's key: what a
 * Byzantine replica could say. `prepare view=0 seq=1 digest=b1`, `viewChange view=1 prepared=1:0:b1 …`.
 */
import { replicaId, sequenceNumber, viewNumber } from '../../base/index.js';
import type { ReplicaId } from '../../base/index.js';
import {
  decodePeerMessage,
  encodeNewViewBody,
  encodePeerMessage,
  encodeViewChangeBody,
} from '../../codec/index.js';
import type { PeerMessage, ViewChange, ViewEntry } from '../../codec/index.js';
import type { Command } from './script.js';
import { parseInteger, refuseScript } from './script.js';
import type { Stage } from './stage.js';

type Numbers = (name: string) => number;

/** Builds the message that a command describes, said by `from`. */
export function buildMessage(stage: Stage, kind: string, from: ReplicaId, command: Command): PeerMessage {
  const { options, line } = command;
  const number: Numbers = (name) =>
    parseInteger(options.get(name) ?? refuseScript(line, `${name}= is missing`), line);
  const text = (name: string): string => options.get(name) ?? refuseScript(line, `${name}= is missing`);
  switch (kind) {
    case 'prePrepare': {
      const { bytes } = stage.batch(text('batch'), line);
      return {
        kind,
        view: viewNumber(number('view')),
        sequenceNumber: sequenceNumber(number('seq')),
        batch: bytes,
      };
    }
    case 'prepare':
    case 'commit': {
      const { digest } = stage.batch(text('digest'), line);
      return {
        kind,
        view: viewNumber(number('view')),
        sequenceNumber: sequenceNumber(number('seq')),
        digest,
      };
    }
    case 'forward':
      return { kind, envelope: stage.envelope(text('envelope'), line).bytes };
    case 'fetchBatch':
      return { kind, digest: stage.batch(text('digest'), line).digest };
    case 'status':
      return {
        kind,
        view: viewNumber(number('view')),
        isActive: true,
        isObserver: false,
        lastExecuted: sequenceNumber(number('executed')),
        findsPrimarySlow: false,
        stableCheckpoint: sequenceNumber(number('stable')),
      };
    case 'viewChange':
      return viewChange(stage, from, command, number);
    case 'newView':
      return newView(stage, from, command, number);
    default:
      return refuseScript(line, `cannot inject ${kind}`);
  }
}

function viewChange(stage: Stage, from: ReplicaId, { options, line }: Command, number: Numbers): PeerMessage {
  const content = {
    view: viewNumber(number('view')),
    replica: from,
    incarnation: parseInteger(options.get('incarnation') ?? '0', line),
    checkpoint: stage.certificate(parseInteger(options.get('checkpoint') ?? '0', line), line),
    prepared: viewEntries(stage, options.get('prepared'), line),
    prePrepared: viewEntries(stage, options.get('prePrepared'), line),
  };
  const body = encodeViewChangeBody(content);
  const signature = stage.world.authenticators[from]!.sign('view-change', body);
  return { kind: 'viewChange', ...content, body, signature };
}

/** `1:0:b1,2:0:null`: sequence number, view, batch. */
function viewEntries(stage: Stage, text: string | undefined, line: number): ViewEntry[] {
  if (text === undefined) return [];
  return text.split(',').map((part) => {
    const [at, view, name] = part.split(':');
    return {
      sequenceNumber: sequenceNumber(parseInteger(at ?? '', line)),
      view: viewNumber(parseInteger(view ?? '', line)),
      digest: stage.batch(name ?? '', line).digest,
    };
  });
}

/** `viewChanges=name,name` are captured VIEW-CHANGEs; `chosen=1:b1,2:null` the decision. */
function newView(stage: Stage, from: ReplicaId, { options, line }: Command, number: Numbers): PeerMessage {
  const names = options.get('viewChanges')?.split(',') ?? [];
  const captured = names.map((name) => {
    const message = stage.rules.kept(name)[0]?.message;
    return message?.kind === 'viewChange'
      ? (message as ViewChange)
      : refuseScript(line, `no VIEW-CHANGE ${name}`);
  });
  const chosen = (options.get('chosen')?.split(',') ?? []).map((part) => {
    const [at, name] = part.split(':');
    return {
      sequenceNumber: sequenceNumber(parseInteger(at ?? '', line)),
      digest: stage.batch(name ?? '', line).digest,
    };
  });
  const viewChanges = captured.sort((a, b) => a.replica - b.replica);
  const content = { view: viewNumber(number('view')), replica: from, viewChanges, chosen };
  const body = encodeNewViewBody(content);
  return {
    kind: 'newView',
    ...content,
    body,
    signature: stage.world.authenticators[from]!.sign('new-view', body),
  };
}

/** Delivers a message as if it came over the link from `from`, encoded and decoded like any other. */
export function inject(stage: Stage, from: ReplicaId, to: number, message: PeerMessage, line: number): void {
  const decoded = decodePeerMessage(encodePeerMessage(message));
  if (decoded === null) refuseScript(line, `the ${message.kind} has no canonical encoding`);
  const { world } = stage;
  if (decoded.kind === 'prePrepare') world.checks.proposed(decoded.batch);
  world.simulator.schedule(1, () =>
    world.replicas[replicaId(to)]!.input({ kind: 'message', from, message: decoded }),
  );
}
