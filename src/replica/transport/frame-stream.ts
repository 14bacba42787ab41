/**
 * One bidirectional stream of frames on an authenticated connection, whatever carries it: what lies between
 * the listener and those who know what frames mean. Tests put their own in its place.
 */
export interface FrameStream {
  /** Address of the other side, for logs. */
  readonly address: string;
  /** Accepts a frame; `done` is called once it is on its way. Ignored after the end. */
  write(frame: Uint8Array, done: () => void): void;
  /** Stops and restarts the delivery of frames. */
  pause(): void;
  resume(): void;
  /** Ends the stream after what was written; if the other side does not take that, cuts its connection. */
  end(): void;
}

export interface FrameReceiver {
  frame(bytes: Uint8Array): void;
  /** Called once; no frame follows. */
  closed(): void;
}
