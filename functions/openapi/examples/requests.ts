/** One call with what it is sent, which a test makes (`test/edge/functions/openapi/examples.test.ts`). Its answer is in `answers.json`. */
export interface Example {
  readonly operationId: string;
  /** Of its path and its query. Ids are those below. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly status: number;
}

/** The ids that examples have. */
export const SESSION = '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f';
export const MESSAGE = '01939f5a-8d2f-7000-8000-2b3c4d5e6f70';
export const INTERACTION = '01939f5a-9e30-7000-8000-3c4d5e6f7081';
export const ARTIFACT = '01939f5a-af41-7000-8000-4d5e6f708192';
export const SNAPSHOT = '01939f5a-b052-7000-8000-5e6f708192a3';
export const BUILD = '01939f5a-d274-7000-8000-708192a3b4c5';
export const TOKEN = '01939f5a-c163-7000-8000-6f708192a3b4';

const session_id = SESSION;
const of = { session_id };

/** In the order in which the test makes them. */
export const EXAMPLES: readonly Example[] = [
  { operationId: 'getHealth', status: 200 },
  {
    operationId: 'createSession',
    body: { workspace: { type: 'persistent', id: 'website' }, config: { model: 'sonnet', permission_mode: 'ask' } },
    status: 201,
  },
  { operationId: 'listSessions', parameters: { limit: '1' }, status: 200 },
  { operationId: 'getSession', parameters: of, status: 200 },
  { operationId: 'changeSession', parameters: of, body: { title: 'The front page', budget_usd: 5 }, status: 200 },
  { operationId: 'createTicket', parameters: of, status: 201 },
  {
    operationId: 'sendMessage',
    parameters: of,
    body: { prompt: 'Make the front page load faster.', stream: true, timeout_seconds: 1800 },
    status: 202,
  },
  { operationId: 'getMessage', parameters: { ...of, message_id: MESSAGE }, status: 200 },
  { operationId: 'listMessages', parameters: { ...of, state: 'queued' }, status: 200 },
  { operationId: 'listEvents', parameters: { ...of, after: '0', limit: '2' }, status: 200 },
  { operationId: 'listTurns', parameters: of, status: 200 },
  { operationId: 'listWakeups', parameters: of, status: 200 },
  {
    operationId: 'spawnChild',
    parameters: of,
    body: { prompt: 'Find out which images are too large.', title: 'Images', config: { budget_usd: 1 } },
    status: 201,
  },
  { operationId: 'listChildren', parameters: of, status: 200 },
  { operationId: 'getTree', parameters: of, status: 200 },
  { operationId: 'withdrawMessage', parameters: { ...of, message_id: MESSAGE }, status: 200 },
  { operationId: 'interruptSession', parameters: of, body: { background: true }, status: 200 },
  { operationId: 'stopSession', parameters: of, status: 200 },
  { operationId: 'listWorkspaces', status: 200 },
  { operationId: 'getWorkspace', parameters: { workspace_id: 'website' }, status: 200 },
  { operationId: 'listWorkspaceSnapshots', parameters: { workspace_id: 'website' }, status: 200 },
  { operationId: 'getStorage', status: 200 },
  { operationId: 'deleteSession', parameters: of, status: 204 },
  { operationId: 'deleteWorkspace', parameters: { workspace_id: 'website' }, status: 204 },
  { operationId: 'getReadiness', status: 200 },
  { operationId: 'listWaiting', parameters: { kind: 'question' }, status: 200 },
  { operationId: 'listInteractions', parameters: { ...of, state: 'open' }, status: 200 },
  { operationId: 'getInteraction', parameters: { ...of, interaction_id: INTERACTION }, status: 200 },
  {
    operationId: 'answerInteraction',
    parameters: { ...of, interaction_id: INTERACTION },
    body: { answer: 'blue' },
    status: 200,
  },
  { operationId: 'listArtifacts', parameters: of, status: 200 },
  { operationId: 'sharePort', parameters: of, body: { port: 5173, label: 'The new front page' }, status: 201 },
  { operationId: 'listPorts', parameters: of, status: 200 },
  { operationId: 'getArtifact', parameters: { ...of, artifact_id: ARTIFACT }, status: 200 },
  { operationId: 'listSnapshots', parameters: of, status: 200 },
  { operationId: 'getSnapshot', parameters: { ...of, snapshot_id: SNAPSHOT }, status: 200 },
  { operationId: 'forkSession', parameters: of, body: { snapshot: SNAPSHOT }, status: 201 },
  { operationId: 'listRunners', status: 200 },
  { operationId: 'cordonRunner', parameters: { name: 'workshop' }, status: 200 },
  { operationId: 'uncordonRunner', parameters: { name: 'workshop' }, status: 200 },
  {
    operationId: 'notifyOnDiscord',
    body: { message: 'The front page is online.', priority: 'high' },
    status: 202,
  },
  {
    operationId: 'askOnDiscord',
    body: { question: 'Which colour shall the button have?', options: ['blue', 'green'], timeout_seconds: 3600 },
    status: 202,
  },
  { operationId: 'getDiscordQuestion', parameters: { interaction_id: INTERACTION }, status: 200 },
  { operationId: 'createDiscordLinkCode', status: 201 },
  { operationId: 'listDiscordLinks', status: 200 },
  { operationId: 'deleteDiscordLinks', status: 204 },
  {
    operationId: 'putWebhook',
    parameters: { name: 'phone' },
    body: {
      url: 'https://ntfy.example.org/my-topic',
      format: 'ntfy',
      events: ['interaction.opened', 'message.failed'],
    },
    status: 200,
  },
  { operationId: 'listWebhooks', status: 200 },
  { operationId: 'getWebhook', parameters: { name: 'phone' }, status: 200 },
  { operationId: 'listDeliveries', parameters: { webhook: 'phone', state: 'waiting' }, status: 200 },
  { operationId: 'listSessionDeliveries', parameters: of, status: 200 },
  { operationId: 'deleteWebhook', parameters: { name: 'phone' }, status: 204 },
  { operationId: 'getPush', status: 200 },
  {
    operationId: 'putPushSubscription',
    parameters: { id: 'phone' },
    body: {
      endpoint: 'https://updates.push.services.mozilla.com/wpush/v2/a-secret-of-the-device',
      keys: {
        p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
        auth: 'BTBZMqHH6r4Tts7J_aSIgg',
      },
      what: ['questions', 'failed'],
      label: 'Firefox on Android',
    },
    status: 200,
  },
  { operationId: 'listPushSubscriptions', status: 200 },
  { operationId: 'deletePushSubscription', parameters: { id: 'phone' }, status: 204 },
  {
    operationId: 'putEnvironment',
    parameters: { name: 'python' },
    body: {
      setup:
        'apt-get update\napt-get install -y python3-venv\npython3 -m venv /opt/venv\n/opt/venv/bin/pip install ruff\n',
      env: { VIRTUAL_ENV: '/opt/venv' },
      network: { presets: ['packages'] },
    },
    status: 200,
  },
  { operationId: 'listEnvironments', status: 200 },
  { operationId: 'listBuilds', parameters: { name: 'python' }, status: 200 },
  { operationId: 'getBuild', parameters: { name: 'python', build_id: BUILD }, status: 200 },
  { operationId: 'getEnvironment', parameters: { name: 'python' }, status: 200 },
  { operationId: 'deleteEnvironment', parameters: { name: 'python' }, status: 204 },
  {
    operationId: 'mintToken',
    body: { sub: 'alice', scope: 'sessions:read files:read', ttl_seconds: 86_400 },
    status: 201,
  },
  { operationId: 'revokeTokens', body: { jti: TOKEN }, status: 201 },
  { operationId: 'listAudit', parameters: { action: 'token.minted', limit: '1' }, status: 200 },
];
