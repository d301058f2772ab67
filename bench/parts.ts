/** What one run can measure by itself: `npm run bench -- --only PART`. */
export const PARTS = [
  'process',
  'docker',
  'warm',
  'line',
  'memory',
  'preview',
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

/** Parts that are scripts of their own (in `rows/`), and print their own figures beside those of the table. */
export const SCRIPTS: Partial<Record<Part, { title: string; files: readonly string[] }>> = {
  warm: { title: 'From a warm spare', files: ['warm.ts'] },
  memory: { title: 'Memory of the service, and of a session over claude’s own', files: ['memory.ts'] },
  preview: { title: 'Processor time of a preview', files: ['edge/preview-cost.ts'] },
  get: { title: 'GET of a session, beside others', files: ['edge/get.ts'] },
  log: { title: 'A log of a million events', files: ['edge/log.ts'] },
  kills: { title: 'Kills so far', files: ['kills.ts'] },
  'way-out': { title: 'The way out', files: ['model-call.ts', 'egress.ts', 'tunnel.ts'] },
  snapshots: { title: 'Snapshots', files: ['snapshots.ts', 'wake.ts'] },
  cpu: { title: 'Processor time of a turn', files: ['turn-cpu.ts'] },
  environments: { title: 'A session of a cached environment', files: ['environment.ts'] },
  console: { title: 'The console in a browser', files: ['console.ts'] },
  bounds: { title: 'One tenant at each bound, and what another feels', files: ['edge/bounds.ts'] },
  host: { title: 'A day on this host', files: ['host.ts'] },
};

/** Only when they are asked for: root, and twelve minutes. */
const BY_NAME: ReadonlySet<Part> = new Set(['host']);

/** The parts of a run that names none. */
export const USUAL_PARTS: readonly Part[] = PARTS.filter((part) => !BY_NAME.has(part));
