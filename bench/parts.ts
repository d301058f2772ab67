/** What one run can measure by itself: `npm run bench -- --only PART`. */
export const PARTS = [
  'process',
  'docker',
  'warm',
  'line',
  'memory',
  'preview',
  'create',
  'get',
  'log',
  'kills',
  'way-out',
  'snapshots',
  'cpu',
  'bounds',
  'environments',
  'console',
  'host',
] as const;
export type Part = (typeof PARTS)[number];

/** Parts that are scripts of their own (paths from this file), and print their own figures beside those of the table. */
export const SCRIPTS: Partial<Record<Part, { title: string; files: readonly string[] }>> = {
  warm: { title: 'From a warm spare', files: ['./rows/warm.ts'] },
  memory: { title: 'Memory of the service, and of a session over claude’s own', files: ['./rows/memory.ts'] },
  preview: {
    title: 'Processor time of a preview',
    files: ['./rows/edge/preview-cost.ts', './rows/edge/preview-floor.ts'],
  },
  create: { title: 'A create beside sessions that wait', files: ['./rows/edge/create-waiting.ts'] },
  get: { title: 'GET of a session, beside others', files: ['./rows/edge/get.ts'] },
  log: { title: 'A log of a million events', files: ['./rows/edge/log.ts'] },
  kills: { title: 'Kills so far', files: ['./rows/kills.ts'] },
  'way-out': {
    title: 'The way out',
    files: ['./rows/runner/model-call.ts', './rows/runner/egress.ts', './rows/runner/tunnel.ts'],
  },
  snapshots: { title: 'Snapshots', files: ['./rows/runner/snapshots.ts', './rows/runner/wake.ts'] },
  cpu: { title: 'Processor time of a turn', files: ['./rows/turn-cpu.ts'] },
  environments: { title: 'A session of a cached environment', files: ['./rows/environment.ts'] },
  console: { title: 'The console in a browser', files: ['./rows/console.ts'] },
  bounds: { title: 'One tenant at each bound, and what another feels', files: ['./rows/edge/bounds.ts'] },
  host: { title: 'A day on this host', files: ['./rows/host.ts'] },
};

/** Only when they are asked for: root, and twelve minutes. */
const BY_NAME: ReadonlySet<Part> = new Set(['host']);

/** The parts of a run that names none. */
export const USUAL_PARTS: readonly Part[] = PARTS.filter((part) => !BY_NAME.has(part));
