import type { CcDockerError } from '../../../client/main.ts';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';

interface Props {
  /** What could not be had: `The files could not be loaded`. */
  readonly title: string;
  readonly error: CcDockerError;
  readonly again: () => void;
}

/** In place of what could not be loaded. */
export function Failed({ title, error, again }: Props) {
  return (
    <div role="alert">
      <EmptyState icon="alert" title={title}>
        <p>{error.detail}</p>
        <Button icon="refresh" onClick={again}>
          Try again
        </Button>
      </EmptyState>
    </div>
  );
}
