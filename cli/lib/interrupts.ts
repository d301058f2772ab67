import { ExitCode, Interrupted } from './failure.ts';

export interface Interrupts {
  readonly signal: AbortSignal;
  readonly onInterrupt: (handler: () => void) => () => void;
}

/**
 * Ctrl-C, and what supervisors send: the first one aborts the signal, so that the command ends in order. The second one ends it at
 * once. A verb can have the first ones for itself (`onInterrupt`).
 */
export function listenForInterrupts(): Interrupts {
  const controller = new AbortController();
  const handlers: (() => void)[] = [];
  const onSignal = (code: number) => {
    const handler = handlers.at(-1);
    if (handler !== undefined) handler();
    else if (controller.signal.aborted) process.exit(code);
    else controller.abort(new Interrupted(code));
  };
  process.on('SIGINT', () => onSignal(ExitCode.interrupted));
  for (const name of ['SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(ExitCode.terminated);
      controller.abort(new Interrupted(ExitCode.terminated));
    });
  }
  return {
    signal: controller.signal,
    onInterrupt: (handler) => {
      handlers.push(handler);
      return () => {
        const at = handlers.indexOf(handler);
        if (at !== -1) handlers.splice(at, 1);
      };
    },
  };
}
