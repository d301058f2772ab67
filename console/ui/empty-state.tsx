import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';

interface EmptyStateProps {
  readonly icon: IconName;
  /** In a few words: `Nothing waits for you`. */
  readonly title: string;
  /** What it means or what to do, and buttons. */
  readonly children?: ComponentChildren;
}

/** In place of a list that has nothing, or of what could not be loaded. */
export function EmptyState({ icon, title, children }: EmptyStateProps) {
  return (
    <div class="ui-empty">
      <span class="ui-empty-icon">
        <Icon name={icon} />
      </span>
      <p class="ui-empty-title">{title}</p>
      {children}
    </div>
  );
}

/** While something is loaded. It shows after a moment, so that what comes at once does not flicker. */
export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="ui-loading" role="status">
      <span class="ui-spinner" aria-hidden="true" /> Loading {what}…
    </p>
  );
}
