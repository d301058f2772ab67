import { isPreview, type Message, type Session } from '../../../client/main.ts';
import { InputLine } from '../../live/input-line.ts';
import { Questions } from '../../live/questions.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { Interrupted } from '../../lib/failure.ts';
import { firstLine } from '../../output/summary.ts';
import { StreamPrinter } from '../../output/stream-printer.ts';
import { endMessage, isEndOf } from './outcome.ts';
import { sayAnswer } from './say-answer.ts';

export interface ShowOptions {
  /** The session has just begun: all that it says is shown. */
  readonly isNew: boolean;
  /** Print each event as a line of JSON. */
  readonly json: boolean;
  /** Print only the answer. */
  readonly quiet: boolean;
  /** A person at the terminal is asked what the agent asks. */
  readonly asks: boolean;
}

/**
 * Sends a prompt and shows what the agent does, until the message has ended. The first Ctrl-C ends the message, and it is shown how it
 * ends; the second one leaves at once.
 *
 * @throws Interrupted at the second Ctrl-C
 */
export async function showMessage(
  cli: Cli,
  session: Session,
  prompt: string,
  { isNew, json, quiet, asks }: ShowOptions,
): Promise<Message> {
  const after = isNew ? 0 : (await session.show()).last_seq;
  const { messageId } = await session.send(prompt);
  const leave = new AbortController();
  const signal = AbortSignal.any([cli.signal, leave.signal]);
  let interrupts = 0;
  const interrupt = () => {
    interrupts += 1;
    if (interrupts > 1) return leave.abort(new Interrupted());
    cli.err.line('ending the turn (Ctrl-C again: at once)', 'dim');
    endMessage(session, messageId).catch((error: unknown) => leave.abort(error));
  };
  const release = cli.onInterrupt(interrupt, 2);
  const screen = asks ? askingScreen(cli, session, interrupt, (error) => leave.abort(error)) : undefined;
  const shown = screen?.terminal ?? cli.out;
  const printer = new StreamPrinter(shown, [
    'message.queued',
    ...(asks ? ['interaction.opened', 'interaction.closed'] : []),
  ]);
  try {
    if (!json && !quiet) {
      cli.err.line(`› ${firstLine(prompt)}`, 'bold');
      cli.err.line(`session ${session.id}`, 'dim');
    }
    const previews = !json && !quiet;
    for await (const event of session.events({
      after,
      signal,
      previews: true,
      onReconnect: ({ error, attempt }) => {
        if (attempt === 1) cli.err.line(`the connection broke (${error.detail}): trying again`, 'yellow');
      },
    })) {
      if (json && !isPreview(event)) printJson(cli, event);
      else if (previews) printer.show(event);
      screen?.hear(event);
      if (isEndOf(event, messageId)) break;
    }
    printer.endLine();
  } finally {
    screen?.close();
    release();
  }
  const view = await session.message(messageId);
  if (quiet && !json) sayAnswer(cli, view);
  return view;
}

/** The terminal while a person may be asked: the input is there only as long as something is open. */
function askingScreen(cli: Cli, session: Session, interrupt: () => void, fail: (error: unknown) => void) {
  let line: InputLine | undefined;
  const terminal = {
    write: (text: string) => (line === undefined ? cli.out.write(text) : line.write(text)),
    line: (text: string, format?: Parameters<typeof cli.out.line>[1]) =>
      line === undefined ? cli.out.line(text, format) : line.terminal.line(text, format),
    style: cli.out.style,
  };
  const questions = new Questions(session, terminal);
  const update = () => {
    const { label } = questions;
    if (label === undefined) {
      line?.close();
      line = undefined;
      return;
    }
    line ??= new InputLine(cli.stdin, cli.stdout, cli.out.style, {
      onLine: (text) => {
        if (text.trim() === '') questions.skip();
        else questions.answer(text).then(update, fail);
        update();
      },
      repeats: () => false,
      onEnd: interrupt,
    });
    line.setLabel(label);
  };
  return {
    terminal,
    hear: (event: { readonly type: string; readonly data: unknown }) => {
      questions.hear(event);
      update();
    },
    close: () => line?.close(),
  };
}
