import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Button } from '../ui/button.tsx';
import { Loading } from '../ui/empty-state.tsx';

/**
 * A part of a page that is loaded when it is first shown. Unlike a page that is loaded (`lazy` of the router), what is around it stays.
 *
 * @param what it is, for people: `plan`
 */
export function later<P extends object>(what: string, load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return function Later(props: P) {
    const [state, setState] = useState<'loading' | 'loaded' | 'failed'>(loaded === undefined ? 'loading' : 'loaded');
    useEffect(() => {
      if (loaded !== undefined) return;
      load().then(
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
    // The service has another version now, which does not have this one's files, or it cannot be reached.
    return (
      <p class="shell-later" role="alert">
        The {what} could not be loaded.{' '}
        <Button onClick={() => location.reload()} icon="refresh">
          Load the page again
        </Button>
      </p>
    );
  };
}
