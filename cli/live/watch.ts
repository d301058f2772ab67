import type { CcDocker, FeedEvent, FeedSession, WaitingInteraction } from '../../client/main.ts';
import { printJson, type Cli } from '../lib/cli.ts';
import { noteReconnect } from '../output/note-reconnect.ts';
import { LiveTable } from '../output/live-table.ts';

/** How often the terminal is drawn at most, and how often at least: ages go on. Milliseconds. */
const DRAW_MS = { most: 100, least: 1000 };

/** What the feed has said so far. */
export interface Overview {
  readonly sessions: Map<string, FeedSession>;
  readonly waiting: Map<string, WaitingInteraction>;
}

/** What is shown of the feed. */
export interface Watched {
  /** Whether an event is of what is watched. */
  readonly shows: (event: FeedEvent) => boolean;
  /** The lines on a terminal. @param columns of it */
  readonly lines: (overview: Overview, columns: number) => string[];
  /** The line in a pipe, for an event. */
  readonly line: (event: FeedEvent) => string | null;
}

/** Follows the feed until Ctrl-C: on a terminal as a table that is kept up to date, in a pipe as a line for each change. */
export async function watch(cli: Cli, cc: CcDocker, json: boolean, watched: Watched): Promise<void> {
  if (json || !cli.stdout.isTTY) {
    for await (const event of cc.feed({ signal: cli.signal, onReconnect: noteReconnect(cli.err) })) {
      const line = watched.shows(event) ? watched.line(event) : null;
      if (json && watched.shows(event)) printJson(cli, event);
      else if (!json && line !== null) cli.out.line(line);
    }
    return;
  }
  await watchOnTerminal(cli, cc, watched);
}

async function watchOnTerminal(cli: Cli, cc: CcDocker, watched: Watched): Promise<void> {
  const overview: Overview = { sessions: new Map(), waiting: new Map() };
  const table = new LiveTable(cli.out, cli.stdout);
  let trouble: string | null = null;
  let isDue = false;
  let drawn = 0;
  const draw = () => {
    const now = performance.now();
    if (drawn === 0 || !(isDue || now >= drawn + DRAW_MS.least)) return;
    isDue = false;
    drawn = now;
    const note = trouble === null ? [] : [cli.out.style('yellow', trouble.slice(0, cli.stdout.columns))];
    table.show([...watched.lines(overview, cli.stdout.columns), ...note]);
  };
  const timer = setInterval(draw, DRAW_MS.most);
  const onReconnect = () => {
    trouble = 'the connection broke: trying again';
    isDue = true;
  };
  try {
    for await (const event of cc.feed({ signal: cli.signal, onReconnect })) {
      know(overview, event);
      if (event.type === 'feed.live') {
        trouble = null;
        // Before that, the table would be half of it.
        if (drawn === 0) drawn = 1;
      }
      isDue = true;
    }
  } finally {
    clearInterval(timer);
  }
}

function know({ sessions, waiting }: Overview, event: FeedEvent): void {
  switch (event.type) {
    case 'session.changed':
      sessions.set(event.data.session_id, event.data);
      break;
    case 'session.removed':
      sessions.delete(event.data.session_id);
      for (const [id, { session_id }] of waiting) if (session_id === event.data.session_id) waiting.delete(id);
      break;
    case 'interaction.opened':
      waiting.set(event.data.interaction_id, event.data);
      break;
    case 'interaction.closed':
      waiting.delete(event.data.interaction_id);
      break;
    case 'feed.gap':
      sessions.clear();
      waiting.clear();
      break;
    case 'feed.live':
      break;
    // A newer service may say more.
    default:
  }
}
