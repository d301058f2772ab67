import { noteReconnect } from '../../output/note-reconnect.ts';
import type { Session } from '../../../client/main.ts';
import { CcDockerError, isPreview } from '../../../client/main.ts';
import { withService } from '../../context/connect.ts';
import { InputLine } from '../../live/input-line.ts';
import { Questions } from '../../live/questions.ts';
import { isInteractive, printJson, type Cli } from '../../lib/cli.ts';
import { verb } from '../../lib/verb.ts';
import { findSession, LAST } from '../../names/find-session.ts';
import { StreamPrinter } from '../../output/stream-printer.ts';
import { SESSION } from '../sessions/end.ts';
import { numberOf } from './number-of.ts';

/** The person has left; the session goes on. */
class Detached extends Error {}

const HELP =
  'type a message and Enter; Esc ends the turn that runs; Ctrl-C leaves, and the session goes on. What is asked, you answer in the line.';

/** `cc-docker attach`. */
export function attach(cli: Cli) {
  return verb('attach', 'a session’s history, then live: type messages, answer what it asks; Ctrl-C leaves')
    .argument('[session]', SESSION, LAST)
    .option('--after <seq>', 'begin after this event', numberOf('--after'))
    .action(async (name, options) => {
      await withService(cli, options, async ({ cc }) => {
        const session = cc.session(await findSession(cc, name));
        const detach = new AbortController();
        const leave = () => detach.abort(new Detached());
        const release = cli.onInterrupt(leave, 1);
        const signal = AbortSignal.any([cli.signal, detach.signal]);
        const typed =
          isInteractive(cli) && options.json !== true
            ? conversation(cli, session, leave, (error) => detach.abort(error))
            : undefined;
        const shown = typed?.terminal ?? cli.out;
        const printer = new StreamPrinter(
          shown,
          typed === undefined ? [] : ['interaction.opened', 'interaction.closed'],
        );
        try {
          const after = options.after ?? 0;
          const previews = cli.stdout.isTTY && options.json !== true;
          const noteBreak = noteReconnect(typed?.terminal ?? cli.err);
          for await (const event of session.events({ after, signal, previews: true, onReconnect: noteBreak })) {
            if (isPreview(event) && !previews) continue;
            if (options.json === true) printJson(cli, event);
            else printer.show(event);
            typed?.hear(event);
          }
        } catch (error) {
          if (!(error instanceof Detached)) throw error;
        } finally {
          printer.endLine();
          typed?.close();
          release();
        }
        if (options.json !== true) cli.err.line(`left ${session.id}, which goes on`, 'dim');
      });
    });
}

/** The terminal of a person who talks with a session. */
function conversation(cli: Cli, session: Session, leave: () => void, fail: (error: unknown) => void) {
  const refusedOr = (act: Promise<unknown>) =>
    act.catch((error: unknown) => {
      if (error instanceof CcDockerError && error.status !== 401) line.terminal.line(`✗ ${error.detail}`, 'red');
      else fail(error);
    });
  const line: InputLine = new InputLine(cli.stdin, cli.stdout, cli.out.style, {
    onLine: (text) => {
      const isAsked = questions.label !== undefined;
      if (isAsked && text.trim() === '') questions.skip();
      else if (isAsked) void refusedOr(questions.answer(text)).then(update);
      else if (text.trim() === '') line.terminal.line(HELP, 'dim');
      else void refusedOr(session.send(text));
      update();
    },
    repeats: (text) => questions.label === undefined && text.trim() !== '',
    onEscape: () => void refusedOr(session.interrupt()),
    onEnd: leave,
  });
  const questions = new Questions(session, line.terminal);
  const update = () => line.setLabel(questions.label ?? '› ');
  update();
  return {
    terminal: line.terminal,
    hear: (event: { readonly type: string; readonly data: unknown }) => {
      questions.hear(event);
      update();
    },
    close: () => line.close(),
  };
}
