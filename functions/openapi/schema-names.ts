import type * as z from 'zod';
import * as admin from '../../protocol/api/admin.ts';
import * as artifact from '../../protocol/api/files/artifact.ts';
import * as browser from '../../protocol/api/console.ts';
import * as child from '../../protocol/api/session/child.ts';
import * as discord from '../../protocol/api/discord.ts';
import * as environment from '../../protocol/api/environment.ts';
import { sessionEnvironment } from '../../protocol/api/environment-name.ts';
import * as event from '../../protocol/api/session/event.ts';
import * as feed from '../../protocol/api/feed.ts';
import * as files from '../../protocol/api/files/files.ts';
import * as interaction from '../../protocol/api/session/interaction.ts';
import * as message from '../../protocol/api/session/message.ts';
import * as login from '../../protocol/api/login.ts';
import { problem } from '../../protocol/api/problem.ts';
import * as runners from '../../protocol/api/runners.ts';
import * as config from '../../protocol/api/session/session-config.ts';
import * as port from '../../protocol/api/session/port.ts';
import * as session from '../../protocol/api/session/session.ts';
import * as push from '../../protocol/api/push.ts';
import * as webhook from '../../protocol/api/webhook.ts';
import * as viewer from '../../protocol/api/session/viewer-socket.ts';
import * as terminal from '../../protocol/api/session/terminal.ts';
import * as workspace from '../../protocol/api/files/workspace.ts';
import { contentBlock, shownBlock } from '../../protocol/content/blocks.ts';
import { prompt } from '../../protocol/content/prompt.ts';
import { health, readiness } from '../../protocol/health.ts';
import { messageError, reason } from '../../protocol/reason.ts';

/**
 * The schemas that have a name in the document, `#/components/schemas/NAME`. Types of clients are called so: a name that a release
 * has stays.
 */
export const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  Problem: problem,

  SessionStatus: session.sessionStatus,
  CreateSessionRequest: session.createSessionRequest,
  ChangeSessionRequest: session.changeSessionRequest,
  CreatedSession: session.createdSession,
  SessionSummary: session.sessionSummary,
  Session: session.sessionView,
  SessionList: session.sessionList,
  StoppedSession: session.stoppedSession,
  Ticket: session.sessionTicket,
  Reason: reason,

  SessionConfig: config.sessionConfig,
  ChildConfig: config.childConfig,
  NetworkConfig: config.networkConfig,
  PermissionMode: config.permissionMode,
  Resources: config.resources,
  AgentTool: config.agentTool,

  WorkspaceConfig: workspace.workspace,
  Workspace: workspace.workspaceView,
  WorkspaceList: workspace.workspaceList,
  Snapshot: workspace.snapshotView,
  SnapshotList: workspace.snapshotList,
  ForkRequest: workspace.forkRequest,
  ForkedSession: session.forkedSession,
  Storage: workspace.storageView,

  ChatRequest: message.chatRequest,
  Prompt: prompt,
  ContentBlock: contentBlock,
  ShownBlock: shownBlock,
  AcceptedMessage: message.acceptedMessage,
  Message: message.messageView,
  MessageStatus: message.messageStatus,
  MessageError: messageError,
  MessageList: message.messageList,
  TokenUsage: message.tokenUsage,
  BackgroundTask: message.backgroundTask,
  Turn: message.turnView,
  TurnOrigin: message.turnOrigin,
  TurnList: message.turnList,
  Wakeup: message.wakeupView,
  WakeupList: message.wakeupList,
  InterruptRequest: message.interruptRequest,
  InterruptAnswer: message.interruptAnswer,

  Event: event.eventEnvelope,
  EventPage: event.eventPage,
  Preview: event.previewEnvelope,
  ViewerFrame: viewer.viewerFrame,
  ViewerAnswer: viewer.viewerAnswer,
  TerminalFrame: terminal.terminalFrame,
  TerminalAnswer: terminal.terminalAnswer,

  FeedEvent: feed.feedEvent,
  FeedPage: feed.feedPage,
  WaitingInteraction: interaction.waitingInteraction,
  WaitingList: interaction.waitingList,

  Interaction: interaction.interactionView,
  InteractionList: interaction.interactionList,
  InteractionState: interaction.interactionState,
  InteractionSubject: interaction.interactionSubject,
  Resolution: interaction.resolution,
  ResolveRequest: interaction.resolveRequest,
  PermissionDecision: interaction.permissionDecision,

  SpawnRequest: child.spawnRequest,
  SpawnedSession: child.spawnedSession,
  ChildList: child.childList,
  SessionTree: child.sessionTree,

  FileList: files.fileList,
  WrittenFiles: files.writtenFiles,
  ChangeList: files.changeList,

  Artifact: artifact.artifactView,
  ArtifactList: artifact.artifactList,

  EnvironmentRequest: environment.environmentRequest,
  Environment: environment.environmentView,
  EnvironmentList: environment.environmentList,
  SessionEnvironment: sessionEnvironment,
  EnvironmentBuild: environment.environmentBuild,
  EnvironmentBuildLog: environment.environmentBuildLog,
  EnvironmentBuildList: environment.environmentBuildList,
  BuildState: environment.buildState,

  SharePortRequest: port.sharePortRequest,
  SharedPort: port.portView,
  PortList: port.portList,

  WebhookRequest: webhook.webhookRequest,
  WebhookCallback: webhook.webhookCallback,
  WebhookFormat: webhook.webhookFormat,
  WebhookTarget: webhook.shownTarget,
  Webhook: webhook.webhookView,
  WebhookList: webhook.webhookList,
  Delivery: webhook.deliveryView,
  DeliveryState: webhook.deliveryState,
  DeliveryList: webhook.deliveryList,

  PushInfo: push.pushInfo,
  PushKind: push.pushKind,
  PushSubscriptionRequest: push.pushSubscriptionRequest,
  PushSubscription: push.pushSubscriptionView,
  PushSubscriptionList: push.pushSubscriptionList,
  PushTested: push.pushTested,

  DiscordNotifyRequest: discord.discordNotifyRequest,
  DiscordNotified: discord.discordNotified,
  DiscordAskRequest: discord.discordAskRequest,
  DiscordQuestion: discord.discordQuestion,
  DiscordLinkCode: discord.discordLinkCode,
  DiscordLinks: discord.discordLinks,

  MintRequest: admin.mintRequest,
  MintedToken: admin.mintedToken,
  Login: login.loginAnswer,
  BrowserSession: browser.browserSession,
  SignInState: browser.signInState,
  RevokeRequest: admin.revokeRequest,
  Revocation: admin.revoked,
  AuditList: admin.auditList,
  Runner: runners.runnerView,
  RunnerList: runners.runnerList,

  Health: health,
  Readiness: readiness,
};
