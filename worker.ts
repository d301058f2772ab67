import { createApp } from './functions/app.ts';

export { DiscordDesk } from './durable/discord/desk.ts';
export { Directory } from './durable/directory/directory.ts';
export { Gate } from './durable/gate/gate.ts';
export { RunnerPool } from './durable/pool/pool.ts';
export { Session } from './durable/session/session.ts';

export default createApp();
