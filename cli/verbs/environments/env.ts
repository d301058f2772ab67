import { Command } from '@commander-js/extra-typings';
import type { Cli } from '../../lib/cli.ts';
import { buildEnvironment } from './build.ts';
import { buildLog, listBuilds } from './builds.ts';
import { listEnvironments, removeEnvironments, showEnvironment } from './manage.ts';
import { setEnvironment } from './set.ts';

/** `cc-docker env`. */
export function env(cli: Cli) {
  const command = new Command('env').description(
    'environments: machines that are set up once, for sessions to start from',
  );
  command.addCommand(listEnvironments(cli), { isDefault: true });
  const verbs = [showEnvironment, setEnvironment, removeEnvironments, buildEnvironment, listBuilds, buildLog];
  for (const make of verbs) command.addCommand(make(cli));
  return command;
}
