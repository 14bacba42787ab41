/** Statements under the replica's own signature, whatever they say. */
import { encodeCheckpointBody, encodeNewViewBody, encodeViewChangeBody } from '../../codec/index.js';
import type { Checkpoint, NewView, NewViewBody, ViewChange, ViewChangeBody } from '../../codec/index.js';
import type { Seat } from './behaviour.js';

export function signedViewChange({ sign }: Pick<Seat, 'sign'>, content: ViewChangeBody): ViewChange {
  const body = encodeViewChangeBody(content);
  return { ...content, kind: 'viewChange', body, signature: sign('view-change', body) };
}

export function signedNewView({ sign }: Pick<Seat, 'sign'>, content: NewViewBody): NewView {
  const body = encodeNewViewBody(content);
  return { ...content, kind: 'newView', body, signature: sign('new-view', body) };
}

export function signedCheckpoint(
  { sign }: Pick<Seat, 'sign'>,
  content: Omit<Checkpoint, 'signature'>,
): Checkpoint {
  return { ...content, signature: sign('checkpoint', encodeCheckpointBody(content)) };
}
