import { PageHeading } from '../shell/page-heading.tsx';

export function SessionsPage() {
  return (
    <div class="page">
      <PageHeading text="Sessions" />
    </div>
  );
}
