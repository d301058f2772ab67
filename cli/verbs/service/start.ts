import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { Command } from '@commander-js/extra-typings';
import type { Cli } from '../../lib/cli.ts';
import { ExitCode } from '../../lib/failure.ts';
import { needProject } from '../../lib/project.ts';

/** `cc-docker start`: what `npm start` does. */
export function start(cli: Cli) {
  return new Command('start')
    .description('serve CC-Docker on this machine, and run a prompt if one is given; Ctrl-C ends it')
    .argument('[prompt...]', 'run it in a new session')
    .option('-m, --model <name>', 'the prompt’s model')
    .option('--once', 'end when the prompt is done')
    .action(async (words, { model, once: ends }) => {
      const project = needProject('cc-docker start');
      const preloaded = ['check-node.mjs', 'warm-cache.mjs'].map((name) => path.join(project, 'scripts', name));
      const args = [
        ...preloaded.flatMap((file) => ['--import', file]),
        path.join(project, 'start', 'main.ts'),
        ...(model === undefined ? [] : ['--model', model]),
        ...(ends === true ? ['--once'] : []),
        ...(words.length === 0 ? [] : ['--', words.join(' ')]),
      ];
      const service = spawn(process.execPath, args, { stdio: 'inherit', env: cli.env });
      // The terminal sends Ctrl-C to the service, too, which then ends in order, and knows what the next ones mean.
      const release = cli.onInterrupt(() => {}, Infinity);
      cli.signal.addEventListener('abort', () => service.kill('SIGTERM'), { once: true });
      const [code] = (await once(service, 'exit')) as [number | null];
      release();
      process.exitCode = code ?? ExitCode.failed;
    });
}
