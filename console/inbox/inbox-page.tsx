import { PageHeading } from '../shell/page-heading.tsx';

export function InboxPage() {
  return (
    <div class="page">
      <PageHeading text="Inbox" />
    </div>
  );
}
