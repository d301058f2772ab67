import { HELP, parseCommand } from './settings/arguments.ts';
import { projectVersion } from './lib/project.ts';
import { isRefused, type Refused } from './lib/refused.ts';
import { serve } from './serve.ts';
import { loadEnvironment, parseSettings } from './settings/settings.ts';
import { withSharedEnvironments } from './settings/shared-environments.ts';
import { createTerminal } from '../cli/output/terminal.ts';

/** `npm start`. */
async function main(): Promise<number | Refused> {
  const command = parseCommand(process.argv.slice(2));
  if (isRefused(command)) return command;
  const terminal = createTerminal(process.stdout);
  if (command.run === 'help') return (terminal.line(HELP), 0);
  if (command.run === 'version') return (terminal.line(projectVersion()), 0);

  const env = loadEnvironment();
  if (isRefused(env)) return env;
  const parsed = parseSettings(env);
  if (isRefused(parsed)) return parsed;
  const settings = withSharedEnvironments(parsed, env);
  if (isRefused(settings)) return settings;
  return await serve({ env, settings, prompt: command.prompt, terminal });
}

const outcome = await main();
if (typeof outcome === 'number') process.exit(outcome);
console.error(outcome.refused);
process.exit(1);
