import { readFile } from 'node:fs/promises';
import { unwrap, type EnvironmentRequest } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { Failure, Misused } from '../../lib/failure.ts';
import { readStdin } from '../../lib/read-stdin.ts';
import { verb } from '../../lib/verb.ts';

/** A word that stands for what comes on stdin. */
const STDIN = '-';

/** `cc-docker env set`. */
export function setEnvironment(cli: Cli) {
  return verb('set', 'set one up, or replace it: from JSON, a setup script, or both')
    .argument('<environment>')
    .argument('[file]', 'JSON as the API takes it (docs/environments.md); `-` stands for what comes on stdin')
    .option('--setup <script>', 'a file with the script; `-` stands for what comes on stdin')
    .option('--image <name>', 'the image that it starts from')
    .action(async (name, file, options) => {
      const { setup, image } = options;
      if (file === undefined && setup === undefined && image === undefined)
        throw new Misused('What it is to be is missing', 'Name a JSON file, or --setup with a script.');
      if (file === STDIN && setup === STDIN) throw new Misused('Only one of both can come on stdin');
      const body: EnvironmentRequest = {
        ...(file !== undefined && jsonOf(await read(cli, file), file)),
        ...(setup !== undefined && { setup: await read(cli, setup) }),
        ...(image !== undefined && { image }),
      };
      await withService(cli, options, async ({ cc }) => {
        const view = await unwrap(cc.api.PUT('/api/v1/environments/{name}', { params: { path: { name } }, body }));
        if (options.json === true) return printJson(cli, view);
        cli.out.line(view.name);
        const next =
          view.setup === undefined && view.image === undefined ? '' : `; \`cc-docker env build ${name}\` builds it now`;
        cli.err.line(`revision ${view.revision}: sessions that begin from now on start from it${next}`, 'dim');
      });
    });
}

async function read(cli: Cli, file: string): Promise<string> {
  if (file === STDIN) return await readStdin(cli);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Failure(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function jsonOf(content: string, file: string): EnvironmentRequest {
  try {
    // The service says what of it does not fit.
    return JSON.parse(content) as EnvironmentRequest;
  } catch {
    throw new Failure(`${file === STDIN ? 'What came on stdin' : file} is not JSON`);
  }
}
