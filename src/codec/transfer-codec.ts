/**
 * Parts of a state in transfer (messages.ts: FETCH-STATE, STATE-NODES) between bytes and values; for use inside the
 * codec of peer messages. Must not check digests: what a part belongs to is known to who asked for it.
 */
import { sequenceNumber } from '../base/index.js';
import type { theodora as proto } from './generated/wire.js';
import { stateLevels, type FetchState, type StateNodeAt, type StateNodes } from './messages.js';
import { check, keepBytes, safeInteger, type WireInteger } from './wire.js';

/** Most nodes in one FETCH-STATE or STATE-NODES. */
export const stateNodesMax = 256;

const nodeToWire = ({ level, section, number, offset }: StateNodeAt): proto.StateNodeAt.$Properties => ({
  level: stateLevels.indexOf(level),
  section,
  number,
  offset,
});

interface WireNode {
  readonly level: number;
  readonly section: number;
  readonly number: WireInteger;
  readonly offset: WireInteger;
}

function nodeFromWire(wire: WireNode): StateNodeAt {
  const { section } = wire;
  const level = stateLevels[wire.level];
  const number = safeInteger(wire.number);
  check(level !== undefined && (section === 0 || section === 1));
  check(level === 'page' || level === 'pages' || number === 0);
  check(level !== 'roots' || section === 0);
  return { level, section, number, offset: safeInteger(wire.offset) };
}

export const fetchStateToWire = (message: FetchState): proto.FetchState.$Properties => ({
  sequenceNumber: message.sequenceNumber,
  nodes: message.nodes.map(nodeToWire),
});

export function fetchStateFromWire(wire: proto.FetchState): FetchState {
  check(wire.nodes.length > 0 && wire.nodes.length <= stateNodesMax);
  return {
    kind: 'fetchState',
    sequenceNumber: sequenceNumber(safeInteger(wire.sequenceNumber)),
    nodes: wire.nodes.map(nodeFromWire),
  };
}

export const stateNodesToWire = (message: StateNodes): proto.StateNodes.$Properties => ({
  sequenceNumber: message.sequenceNumber,
  parts: message.parts.map((part) => ({
    ...nodeToWire(part),
    totalBytes: part.totalBytes,
    data: part.data,
  })),
});

export function stateNodesFromWire(wire: proto.StateNodes): StateNodes {
  check(wire.parts.length > 0 && wire.parts.length <= stateNodesMax);
  const parts = wire.parts.map((part) => {
    const node = nodeFromWire(part);
    const totalBytes = safeInteger(part.totalBytes);
    const data = keepBytes(part.data);
    // A part is never empty, but for that of an empty node.
    check(data.length <= totalBytes - node.offset && (data.length > 0 || totalBytes === 0));
    return { ...node, totalBytes, data };
  });
  return { kind: 'stateNodes', sequenceNumber: sequenceNumber(safeInteger(wire.sequenceNumber)), parts };
}
