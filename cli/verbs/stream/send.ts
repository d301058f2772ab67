import { Option } from '@commander-js/extra-typings';
import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { verb } from '../../lib/verb.ts';
import { findSession } from '../../names/find-session.ts';
import { promptText } from '../../names/prompt-text.ts';
import { SESSION } from '../sessions/end.ts';
import { exitCodeOf } from './outcome.ts';
import { sayAnswer } from './say-answer.ts';

/** `cc-docker send`. */
export function send(cli: Cli) {
  return verb('send', 'send a message to a session, which wakes it; prints the message’s id')
    .argument('<session>', SESSION)
    .argument('[prompt...]', 'what to say; `-` stands for what comes on stdin')
    .addOption(
      new Option('--delivery <how>', 'how it reaches an agent that is at work').choices([
        'queue',
        'steer',
        'interrupt',
      ]),
    )
    .option('-w, --wait', 'wait for the answer and print it')
    .action(async (name, words, options) => {
      const prompt = await promptText(cli, words);
      await withService(cli, options, async ({ cc }) => {
        const session = cc.session(await findSession(cc, name));
        const { messageId } = await session.send(prompt, { delivery: options.delivery });
        if (options.wait !== true) {
          if (options.json === true) printJson(cli, { session_id: session.id, message_id: messageId });
          else cli.out.line(messageId);
          return;
        }
        const view = await session.settled(messageId, { signal: cli.signal });
        if (options.json === true) printJson(cli, view);
        else sayAnswer(cli, view);
        process.exitCode = exitCodeOf(view);
      });
    });
}
