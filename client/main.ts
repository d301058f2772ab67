/** What `cc-docker/client` gives. */
export { CcDocker, type CcDockerOptions } from './client.ts';
export { CcDockerError, MessageFailed, type CcDockerErrorCode } from './error.ts';
export { isPreview } from './event.ts';
export { newKey, unwrap } from './http/http.ts';
export { all } from './paging.ts';
export type { AskOptions, Asked, SettleOptions } from './ask.ts';
export type {
  CallOptions,
  CreatingOptions,
  EventPageOptions,
  EventPlace,
  EventsOptions,
  FeedOptions,
  SendOptions,
  Transport,
} from './options.ts';
export type {
  ClaudeEvent,
  EventPage,
  GapEvent,
  OwnEvent,
  OwnEventType,
  PreviewEvent,
  SessionEvent,
  UnknownEvent,
} from './event.ts';
export type { ReadOptions, SessionFiles, WriteOptions } from './files.ts';
export type { Backoff } from './http/backoff.ts';
export type { UploadBody, UploadOptions } from './http/upload.ts';
export type { Progress } from './http/xhr.ts';
export type { Session } from './session.ts';
export type { Reconnect } from './stream/follow.ts';
export type {
  SessionTerminal,
  TerminalExit,
  TerminalOptions,
  TerminalOutput,
  TerminalSignal,
} from './terminal/terminal.ts';
export type * from './types.ts';
