import type { TerminalExit } from '../../../client/main.ts';
import { Button } from '../../ui/button.tsx';
import type { Shell, ShellState } from './shell.ts';

/** How the terminal is, and what can be done about it. */
export function ShellLine({ shell, again }: { readonly shell: Shell; readonly again: () => void }) {
  const state = shell.state.value;
  const next = nextOf(state);
  return (
    <>
      <p role={state.kind === 'lost' ? 'alert' : 'status'}>{textOf(state)}</p>
      {state.kind === 'open' && (
        <Button kind="quiet" onClick={() => shell.hangUp()}>
          End
        </Button>
      )}
      {next !== null && (
        <Button kind="primary" onClick={again}>
          {next}
        </Button>
      )}
    </>
  );
}

function textOf(state: ShellState): string {
  switch (state.kind) {
    case 'opening':
      return state.detail;
    case 'open':
      return 'Open';
    case 'away':
      return `The connection is lost, and tried again. Nothing that was typed or shown is lost. (${state.detail})`;
    case 'ended':
      return endedText(state.exit);
    default:
      return state.error.code === 'replaced' ? 'Another window has this terminal now.' : state.error.detail;
  }
}

/** What the button says that opens another one; null: there is none. */
function nextOf(state: ShellState): string | null {
  if (state.kind === 'ended') return 'Open another';
  if (state.kind !== 'lost' || state.error.code === 'terminal_off') return null;
  return state.error.code === 'replaced' ? 'Take it back' : 'Open another';
}

const endedText = ({ code, signal }: TerminalExit): string =>
  signal === null ? `Ended with code ${code}` : `Ended by signal ${signal}`;
