import type { components, operations } from './generated/openapi.ts';

/** The types of the API's requests and answers. They are made from its document (`generated/`), and are called as they are there. */
type Schemas = components['schemas'];

export type CreateSessionRequest = Schemas['CreateSessionRequest'];
export type ChangeSessionRequest = Schemas['ChangeSessionRequest'];
export type SessionView = Schemas['Session'];
export type SessionSummary = Schemas['SessionSummary'];
export type SessionStatus = Schemas['SessionStatus'];
/** Who is signed in to a browser. */
export type BrowserSession = Schemas['BrowserSession'];
export type StoppedSession = Schemas['StoppedSession'];
export type SessionListQuery = Omit<
  NonNullable<operations['listSessions']['parameters']['query']>,
  'cursor' | 'offset'
>;
export type Ticket = Schemas['Ticket'];
/** As the API has it; the client gives `EventPage`. */
export type StoredEventPage = Schemas['EventPage'];

export type ChatRequest = Schemas['ChatRequest'];
/** Text, or blocks: text, images and documents. */
export type Prompt = Schemas['Prompt'];
export type Message = Schemas['Message'];
export type MessageStatus = Schemas['MessageStatus'];
export type MessageError = Schemas['MessageError'];
export type Turn = Schemas['Turn'];
export type Wakeup = Schemas['Wakeup'];
export type InterruptAnswer = Schemas['InterruptAnswer'];

/** What a device is notified of. */
export type PushKind = Schemas['PushKind'];
/** A device that is notified. */
export type PushSubscription = Schemas['PushSubscription'];

export type Interaction = Schemas['Interaction'];
/** An interaction in the list of all that waits, with what its session is called. */
export type WaitingInteraction = Schemas['WaitingInteraction'];
export type WaitingQuery = Omit<NonNullable<operations['listWaiting']['parameters']['query']>, 'cursor' | 'state'>;
/** What changes in the list of sessions and in what waits. Let types pass that you do not know. */
export type FeedEvent = Schemas['FeedEvent'];
/** A session of the feed: a row of the list, without `websocket_url`. */
export type FeedSession = Extract<FeedEvent, { type: 'session.changed' }>['data'];
export type InteractionState = Schemas['InteractionState'];
/** `{ answer }` to a question, `{ decision, message? }` to a permission. */
export type ResolveRequest = Schemas['ResolveRequest'];

export type SpawnRequest = Schemas['SpawnRequest'];
export type SpawnedSession = Schemas['SpawnedSession'];
export type SessionTree = Schemas['SessionTree'];
export type ForkRequest = Schemas['ForkRequest'];

export type Environment = Schemas['Environment'];
export type EnvironmentRequest = Schemas['EnvironmentRequest'];
export type EnvironmentBuild = Schemas['EnvironmentBuild'];
export type EnvironmentBuildLog = Schemas['EnvironmentBuildLog'];

export type FileList = Schemas['FileList'];
export type FileEntry = FileList['data'][number];
export type WrittenFiles = Schemas['WrittenFiles'];
export type ChangeList = Schemas['ChangeList'];
export type FileChange = ChangeList['data'][number];
export type Artifact = Schemas['Artifact'];
export type SharedPort = Schemas['SharedPort'];
export type SharePortRequest = Schemas['SharePortRequest'];
export type PortList = Schemas['PortList'];

/** RFC 9457 problem+json. */
export type Problem = Schemas['Problem'];

/** CC-Docker's own types of events, with the `data` of each. */
export type OwnEvents = Schemas['OwnEvents'];
/** The same of its previews. */
export type OwnPreviews = Schemas['OwnPreviews'];
