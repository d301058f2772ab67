import { isPreview, unwrap, type PreviewEvent, type Session, type SessionEvent } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { ExitCode, Failure, Interrupted } from '../../lib/failure.ts';
import { verb } from '../../lib/verb.ts';
import { StreamPrinter } from '../../output/stream-printer.ts';

/** Longest time for the session to be removed in the end, milliseconds. */
const REMOVE_MS = 30_000;

/** `cc-docker env build`. */
export function buildEnvironment(cli: Cli) {
  return verb('build', 'build its image now, so that the next session need not wait for it')
    .argument('<environment>')
    .action(async (name, options) => {
      process.exitCode = await withService(cli, options, async ({ cc }) => {
        const { setup, image } = await unwrap(
          cc.api.GET('/api/v1/environments/{name}', { params: { path: { name } } }),
        );
        if (setup === undefined && image === undefined)
          throw new Failure(`${name} has neither an image nor a setup, so there is nothing to build`);
        // The first Ctrl-C ends the watching alone: the session is still to be removed. The second one ends that too.
        const leave = new AbortController();
        const release = cli.onInterrupt(() => {
          release();
          leave.abort(new Interrupted());
        }, 1);
        const session = await cc.sessions.create({ config: { environment: name } });
        try {
          return await follow(cli, session, {
            json: options.json === true,
            signal: AbortSignal.any([cli.signal, leave.signal]),
          });
        } catch (error) {
          if (error instanceof Interrupted) return error.exitCode;
          throw error;
        } finally {
          release();
          await session.remove({ signal: AbortSignal.timeout(REMOVE_MS) });
        }
      });
    });
}

/** Shows the build that a session waits for, until its image is there or cannot be. @returns the exit code */
async function follow(
  cli: Cli,
  session: Session,
  { json, signal }: { readonly json: boolean; readonly signal: AbortSignal },
): Promise<number> {
  const printer = new StreamPrinter(cli.out);
  try {
    for await (const event of session.events({ signal, previews: true })) {
      if (!json) printer.show(event);
      else if (!isPreview(event)) printJson(cli, event);
      const end = endOf(event);
      if (end === null) continue;
      if (end === 'cached') cli.err.line('its image is there already: nothing has changed since', 'dim');
      return end === 'failed' ? ExitCode.failed : ExitCode.done;
    }
  } finally {
    printer.endLine();
  }
  return ExitCode.failed;
}

function endOf(event: SessionEvent | PreviewEvent): 'built' | 'cached' | 'failed' | null {
  if (event.type === 'session.ready')
    throw new Failure('The session began without a build', 'Is its runner of an earlier version?');
  if (event.type === 'session.status' && event.data.status === 'failed') return 'failed';
  if (event.type !== 'environment.build' || event.data.state !== 'ready') return null;
  return event.data.cached === true ? 'cached' : 'built';
}
