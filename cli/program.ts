import { Command } from '@commander-js/extra-typings';
import type { Cli } from './lib/cli.ts';
import { packageVersion } from './lib/project.ts';
import { env } from './verbs/environments/env.ts';
import { cp } from './verbs/files/cp.ts';
import { diff } from './verbs/files/diff.ts';
import { answer, approve, deny } from './verbs/people/answer.ts';
import { inbox } from './verbs/people/inbox.ts';
import { ports } from './verbs/ports/ports.ts';
import { completion } from './verbs/service/completion.ts';
import { context } from './verbs/service/context.ts';
import { doctor } from './verbs/service/doctor.ts';
import { login } from './verbs/service/login.ts';
import { start } from './verbs/service/start.ts';
import { token } from './verbs/service/token.ts';
import { interrupt, rm, stop } from './verbs/sessions/end.ts';
import { fork } from './verbs/sessions/fork.ts';
import { ls } from './verbs/sessions/ls.ts';
import { tree } from './verbs/sessions/tree.ts';
import { attach } from './verbs/stream/attach.ts';
import { logs } from './verbs/stream/logs.ts';
import { run } from './verbs/stream/run.ts';
import { send } from './verbs/stream/send.ts';
import { exec } from './verbs/terminal/exec.ts';
import { shell } from './verbs/terminal/shell.ts';

/** The command with its verbs. */
export function program(cli: Cli) {
  const root = new Command('cc-docker')
    .description('Claude Code sessions in containers on your own machine')
    .version(packageVersion(), '-v, --version')
    .enablePositionalOptions();
  root.commandsGroup('The service:');
  for (const make of [start, login, context, doctor, token, completion]) root.addCommand(make(cli));
  root.commandsGroup('Sessions:');
  for (const make of [run, ls, attach, logs, send, interrupt, stop, rm, fork, tree]) root.addCommand(make(cli));
  root.commandsGroup('Environments:');
  root.addCommand(env(cli));
  root.commandsGroup('In its container:');
  for (const make of [shell, exec]) root.addCommand(make(cli));
  root.commandsGroup('People:');
  for (const make of [inbox, answer, approve, deny]) root.addCommand(make(cli));
  root.commandsGroup('The machine:');
  for (const make of [ports]) root.addCommand(make(cli));
  root.commandsGroup('Files:');
  for (const make of [cp, diff]) root.addCommand(make(cli));
  return root;
}
