import type { CcDockerError } from '../../client/main.ts';
import type { Terminal } from './terminal.ts';

/** Says that a stream broke, once for each time. */
export function noteReconnect(terminal: Pick<Terminal, 'line'>) {
  return ({ error, attempt }: { readonly error: CcDockerError; readonly attempt: number }) => {
    if (attempt === 1) terminal.line(`the connection broke (${error.detail}): trying again`, 'yellow');
  };
}
