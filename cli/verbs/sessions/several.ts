import type { Session } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { printJson, type Cli, type CommonOptions } from '../../lib/cli.ts';
import { findSession } from '../../names/find-session.ts';

/**
 * Does the same with each of several sessions, one after the other, and prints the id of each. The first failure ends it.
 *
 * @param act gives what `--json` prints of it
 */
export async function withEach(
  cli: Cli,
  names: readonly string[],
  options: CommonOptions,
  act: (session: Session) => Promise<object>,
): Promise<void> {
  await withService(cli, options, async ({ cc }) => {
    const ids: string[] = [];
    for (const name of names) ids.push(await findSession(cc, name));
    const done: object[] = [];
    for (const id of ids) {
      const answer = await act(cc.session(id));
      if (options.json === true) done.push(answer);
      else cli.out.line(id);
    }
    if (options.json === true) printJson(cli, done);
  });
}
