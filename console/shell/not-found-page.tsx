import { EmptyState } from '../ui/empty-state.tsx';
import { PageHeading } from './page-heading.tsx';

/** For an address that no page has. */
export function NotFoundPage() {
  return (
    <div class="page">
      <PageHeading text="There is no such page" />
      <EmptyState icon="search" title="Nothing is at this address">
        <p>
          <a href="/">The inbox</a> has what waits for you.
        </p>
      </EmptyState>
    </div>
  );
}
