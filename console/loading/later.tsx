import type { ComponentType, FunctionComponent } from 'preact';
import { lazy } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { Button } from '../ui/button.tsx';
import { Loading } from '../ui/empty-state.tsx';
import { again } from './again.ts';

/**
 * A part of a page that is loaded when it is first shown. Unlike a page (`laterPage`), what is around it stays.
 *
 * @param what it is, for people: `plan`
 */
export function later<P extends object>(what: string, load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return function Later(props: P) {
    const [state, setState] = useState<'loading' | 'loaded' | 'failed'>(loaded === undefined ? 'loading' : 'loaded');
    useEffect(() => {
      if (loaded !== undefined) return;
      again(load).then(
        (component) => {
          loaded = component;
          setState('loaded');
        },
        () => setState('failed'),
      );
    }, []);
    const Loaded = loaded;
    if (Loaded !== undefined) return <Loaded {...props} />;
    if (state === 'loading') return <Loading what={what} />;
    return <NotLoaded what={what} />;
  };
}

/**
 * A page, or a view of one, that is loaded when it is first shown. What was shown before stays until then.
 *
 * @param what it is, for people: `files`
 */
export const laterPage = <P extends object>(
  what: string,
  load: () => Promise<FunctionComponent<P>>,
): FunctionComponent<P> => lazy(() => again(load).catch(() => () => <NotLoaded what={what} />));

/** The service has another version now, which does not have this one's files, or it cannot be reached. */
function NotLoaded({ what }: { readonly what: string }) {
  return (
    <p role="alert">
      The {what} could not be loaded.{' '}
      <Button onClick={() => location.reload()} icon="refresh">
        Load the page again
      </Button>
    </p>
  );
}
