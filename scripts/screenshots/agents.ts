import { running, varied } from '../../test/support/console/prompts.ts';
import { script, type Client } from '../../test/support/e2e/client.ts';

/** The sessions that the pictures show. */
export interface Agents {
  readonly parser: string;
}

/** An agent that has done its work, and three that wait for a person. The demo model plays them, and the real `claude`. */
export async function startAgents(client: Client): Promise<Agents> {
  const start = (title: string, config = {}) => client.createSession(config, { type: 'ephemeral' }, title);
  const [parser, release, site, tests] = await Promise.all([
    start('Mend the parser'),
    start('Release 2.4', { permission_mode: 'ask' }),
    start('A page for the docs'),
    start('Faster tests'),
  ]);
  await client.ask(parser, varied());
  await client.tell(release, running('git push origin v2.4.0'));
  const layout = {
    question: 'Which layout shall the start page have?',
    header: 'Layout',
    multiSelect: false,
    options: [
      { label: 'One column', description: 'Short, and the same on a phone' },
      { label: 'Two columns', description: 'Text beside an example' },
    ],
  };
  await client.tell(site, script({ tool: 'AskUserQuestion', input: { questions: [layout] } }));
  await client.tell(
    tests,
    script({
      tool: 'mcp__cc-docker__ask_user',
      input: { question: 'The test suite takes 9 minutes. Shall I split it?', options: ['Yes', 'Not now'] },
    }),
  );
  return { parser };
}
