/** Pages of states of which one byte is not the certified one; everything above them is. */
import type { StateNodePart } from '../../codec/index.js';
import type { BehaviourFactory } from './behaviour.js';

const changed = (part: StateNodePart): StateNodePart =>
  part.level === 'page' && part.section === 1
    ? { ...part, data: part.data.map((byte, at) => (at === part.data.length - 1 ? byte ^ 1 : byte)) }
    : part;

export const falsePages: BehaviourFactory = () => ({
  toPeer: (_to, message) =>
    message.kind === 'stateNodes' ? [{ ...message, parts: message.parts.map(changed) }] : [message],
});
