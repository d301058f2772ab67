/** What the calls are about, in the order of the document. */
export const TAGS = [
  { name: 'Sessions', description: 'A session is a conversation with an agent, and the container that it works in.' },
  {
    name: 'Messages',
    description: 'What is said to the agent, the turns in which it answers, and when it wakes itself.',
  },
  { name: 'Events', description: 'The log of a session: every event has a number, from 1 on, without a gap.' },
  { name: 'Interactions', description: 'What waits for a person: questions of the agent, and permissions.' },
  { name: 'Children', description: 'Sessions that a session has begun, and the tree of them.' },
  { name: 'Ports', description: 'Servers in the container that people look at, each at a URL of its own.' },
  { name: 'Terminals', description: 'A shell or a command in a session’s container, for its owner.' },
  { name: 'Files', description: 'The files that the agent works on.' },
  { name: 'Artifacts', description: 'Copies of files that the agent has given to people.' },
  { name: 'Snapshots', description: 'Saved files and conversations, and sessions that begin from them.' },
  { name: 'Workspaces', description: 'Files that outlive a session, and how much of the storage is used.' },
  {
    name: 'Environments',
    description: 'Machines that are set up once, and that sessions then start from; and the builds of their images.',
  },
  {
    name: 'Webhooks',
    description: 'Where word of sessions is posted to: servers, Slack, ntfy, Telegram; and what became of each post.',
  },
  {
    name: 'Push',
    description: 'Notifications on people’s devices, by the push services of their browsers.',
  },
  { name: 'Discord', description: 'To say and to ask something over Discord, and whose accounts are whose.' },
  { name: 'Console', description: 'For the console’s own page: who is signed in to a browser.' },
  { name: 'Administration', description: 'For who runs the service: tokens, the audit log, runners.' },
  { name: 'Service', description: 'How the service is.' },
] as const;
