import { all, type Interaction, type ResolveRequest } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { readAnswer } from '../../live/answering.ts';
import { printJson, type Cli, type CommonOptions } from '../../lib/cli.ts';
import { Failure, Misused } from '../../lib/failure.ts';
import { verb } from '../../lib/verb.ts';
import { chooseInteraction } from '../../names/find-interaction.ts';

const ID = 'id of `cc-docker inbox`, or the end of it';

/** `cc-docker answer`. */
export function answer(cli: Cli) {
  return verb('answer', 'answer a question; a session that sleeps wakes with it')
    .argument('<id>', ID)
    .argument('<answer...>', 'text, or options by number or label; one word for each of several questions')
    .action(async (name, words, options) => {
      await resolve(cli, options, name, (interaction) => answerOf(interaction, words));
    });
}

/** `cc-docker approve`. */
export function approve(cli: Cli) {
  return verb('approve', 'let the agent use the tool that it asks for')
    .argument('<id>', ID)
    .option('--always', 'and every time in this session')
    .action(async (name, options) => {
      const decision = options.always === true ? 'allow_session' : 'allow';
      await resolve(cli, options, name, (interaction) => decided(interaction, { decision }));
    });
}

/** `cc-docker deny`. */
export function deny(cli: Cli) {
  return verb('deny', 'do not let the agent use the tool that it asks for')
    .argument('<id>', ID)
    .argument('[reason...]', 'what the agent is told')
    .action(async (name, words, options) => {
      const message = words.join(' ');
      const request: ResolveRequest = { decision: 'deny', ...(message !== '' && { message }) };
      await resolve(cli, options, name, (interaction) => decided(interaction, request));
    });
}

async function resolve(
  cli: Cli,
  options: CommonOptions,
  name: string,
  requestOf: (interaction: Interaction) => ResolveRequest,
): Promise<void> {
  await withService(cli, options, async ({ cc }) => {
    const interaction = chooseInteraction(await all(cc.interactions()), name);
    const view = await cc.session(interaction.session_id).answer(interaction.interaction_id, requestOf(interaction));
    if (options.json === true) printJson(cli, view);
    else cli.out.line(view.interaction_id);
  });
}

/** What the words of a command line answer. */
export function answerOf(
  asked: Pick<Interaction, 'interaction_id' | 'subject'>,
  words: readonly string[],
): ResolveRequest {
  const { subject } = asked;
  if (subject.kind === 'permission') {
    throw new Failure('It is a permission that is asked for', 'Use `cc-docker approve` or `cc-docker deny`.');
  }
  const each = subject.questions.length === 1 ? [words.join(' ')] : words;
  if (each.length !== subject.questions.length) {
    throw new Misused(`It asks ${subject.questions.length} questions`, 'Give an answer to each, in quotes.');
  }
  let given: Extract<ReturnType<typeof readAnswer>, { more: unknown }>['more'] = [];
  for (const word of each) {
    const read = readAnswer(asked, word, given);
    if ('invalid' in read) throw new Misused(`${word} is no answer: ${read.invalid}`);
    if ('answer' in read) return read.answer;
    given = read.more;
  }
  throw new Error('a question was not answered');
}

function decided({ subject }: Interaction, request: ResolveRequest): ResolveRequest {
  if (subject.kind === 'permission') return request;
  throw new Failure('It is a question that is asked', 'Use `cc-docker answer ID …`.');
}
