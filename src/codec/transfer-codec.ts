/**
 * Parts of a state in transfer (messages.ts: FETCH-STATE, STATE-NODES) between bytes and values; for use inside the
 * codecs of messages that carry them. Must not check digests: what a part belongs to is known to who asked for it.
 */
import { sequenceNumber } from '../base/index.js';
import type { theodora as proto } from './generated/wire.js';
import { stateLevels } from './messages.js';
import type { FetchState, StateNodeAt, StateNodePart, StateNodes } from './messages.js';
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

export const nodesToWire = (nodes: readonly StateNodeAt[]): proto.StateNodeAt.$Properties[] =>
  nodes.map(nodeToWire);

export function nodesFromWire(wires: readonly WireNode[]): StateNodeAt[] {
  check(wires.length > 0 && wires.length <= stateNodesMax);
  return wires.map(nodeFromWire);
}

export const partsToWire = (parts: readonly StateNodePart[]): proto.StateNodePart.$Properties[] =>
  parts.map((part) => ({ ...nodeToWire(part), totalBytes: part.totalBytes, data: part.data }));

export function partsFromWire(wires: readonly proto.StateNodePart[]): StateNodePart[] {
  check(wires.length <= stateNodesMax);
  return wires.map((wire) => {
    const node = nodeFromWire(wire);
    const totalBytes = safeInteger(wire.totalBytes);
    const data = keepBytes(wire.data);
    // A part is never empty, but for that of an empty node.
    check(data.length <= totalBytes - node.offset && (data.length > 0 || totalBytes === 0));
    return { ...node, totalBytes, data };
  });
}

export const fetchStateToWire = (message: FetchState): proto.FetchState.$Properties => ({
  sequenceNumber: message.sequenceNumber,
  nodes: nodesToWire(message.nodes),
});

export function fetchStateFromWire(wire: proto.FetchState): FetchState {
  return {
    kind: 'fetchState',
    sequenceNumber: sequenceNumber(safeInteger(wire.sequenceNumber)),
    nodes: nodesFromWire(wire.nodes),
  };
}

export const stateNodesToWire = (message: StateNodes): proto.StateNodes.$Properties => ({
  sequenceNumber: message.sequenceNumber,
  parts: partsToWire(message.parts),
});

export function stateNodesFromWire(wire: proto.StateNodes): StateNodes {
  check(wire.parts.length > 0);
  const parts = partsFromWire(wire.parts);
  return { kind: 'stateNodes', sequenceNumber: sequenceNumber(safeInteger(wire.sequenceNumber)), parts };
}
