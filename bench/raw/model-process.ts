import { createDemoModel } from '../../demo-model/demo-model.ts';
import { openModelGateway } from '../../runner/model/gateway.ts';

/**
 * The demo model on a unix socket, for `claude` by hand. It is the gateway that the runner opens for each session, also in a
 * process of its own. It ends with the process that started it.
 */
const [socketPath] = process.argv.slice(2);
if (socketPath === undefined) throw new Error('usage: model-process.ts SOCKET');
process.once('disconnect', () => process.exit(0));
await openModelGateway({
  socketPath,
  handler: createDemoModel(),
  log: (level, message) => console.error(`bench model: ${level}: ${message}`),
});
process.send?.('ready');
