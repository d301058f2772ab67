import { PageHeading } from '../shell/page-heading.tsx';

export function NewSessionPage() {
  return (
    <div class="page">
      <PageHeading text="New session" />
    </div>
  );
}
