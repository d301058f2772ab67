import type { Reason } from '../../../../protocol/reason.ts';
import { SETUP_FILE, type BuildReport } from '../../../../protocol/link/environment/build-launch.ts';
import type { Full } from '../../container/workspace-watch.ts';

/** How a build container ended. */
export interface BuildEnd {
  code: number | null;
  outOfMemory: boolean;
  timedOut: boolean;
  /** Which limit its files have reached; undefined: none. */
  full: Full | undefined;
  /** What its program said last; undefined: nothing. */
  report: BuildReport | undefined;
  /** What else came from it on stderr. */
  stderr: string;
  /** The end of what `setup` wrote. */
  output: string;
  /** Hosts that the network policy refused, with why. */
  refused: readonly string[];
}

export interface BuildLimits {
  timeoutSeconds: number;
  imageMb: number;
  files: number;
  resources: { memory_mb: number; pids: number };
}

export interface BuildFailure {
  reason: Reason;
  /** The line of `setup`, from 1; null: none. */
  line: number | null;
}

/** Output in a reason, characters. */
const QUOTED = 2_048;

/** Why a build made no image; undefined: it has one. Pure. */
export function buildFailure(end: BuildEnd, limits: BuildLimits): BuildFailure | undefined {
  const { report, full } = end;
  if (full !== undefined) return failure('environment_too_large', fullDetail(full, limits), end);
  if (end.timedOut) {
    const detail = `It was not done after ${limits.timeoutSeconds} s (ENVIRONMENT_BUILD_TIMEOUT on the runner).`;
    return failure('environment_timeout', detail, end);
  }
  if (report === undefined) return noReport(end, limits);
  switch (report.report) {
    case 'done':
      return end.code === 0 ? undefined : failure('environment_failed', 'Its end was not as it said.', end);
    case 'seal_broken':
      return failure('seal_broken', `A guarantee of the build container's seal does not hold: ${report.detail}`);
    case 'failed':
      return failure('environment_failed', `The build container could not do its work: ${report.detail}`);
    case 'missing':
      return failure('environment_image_unfit', missingDetail(report.programs), end);
    case 'out_of_pids':
      return failure('out_of_pids', pidsDetail(limits), end);
    case 'setup_failed':
      break;
  }
  return setupFailure(end, report, limits);
}

function setupFailure(
  end: BuildEnd,
  report: Extract<BuildReport, { report: 'setup_failed' }>,
  limits: BuildLimits,
): BuildFailure {
  if (end.outOfMemory) return failure('out_of_memory', memoryDetail(limits), end, report.line);
  if (report.out_of_pids) return failure('out_of_pids', pidsDetail(limits), end, report.line);
  const how = report.code === null ? `was ended by ${report.signal ?? 'a signal'}` : `exited with code ${report.code}`;
  const line = report.line ?? lineInOutput(end.output);
  return failure('environment_failed', `\`setup\` ${how}${line === null ? '' : ` at line ${line}`}.`, end, line);
}

/** Its program said nothing: it could not start, or somebody ended it. */
function noReport(end: BuildEnd, limits: BuildLimits): BuildFailure {
  if (end.outOfMemory) return failure('out_of_memory', memoryDetail(limits), end);
  const words = end.stderr.trim();
  if (/open 'build'/.test(words)) {
    const detail =
      'The runner’s session image is of an earlier version, and cannot build environments: build it anew with `npm run image`.';
    return failure('environment_unavailable', detail);
  }
  if (/exec \S+ failed: No such file or directory/.test(words)) {
    const detail =
      'CC-Docker’s programs do not start in the image: it has another C library than glibc (Alpine has musl). Take an image on Debian, Ubuntu or Fedora.';
    return failure('environment_image_unfit', detail);
  }
  if (/GLIBC|GLIBCXX|error while loading shared libraries/.test(words)) {
    const detail = `CC-Docker’s programs do not start in the image, whose C libraries are too old or missing: ${words}`;
    return failure('environment_image_unfit', detail);
  }
  const how = end.code === null ? 'is gone' : `exited with code ${end.code}`;
  const detail = `The build container ${how}, and did not say why: somebody may have ended it.`;
  return failure('environment_failed', words === '' ? detail : `${detail}\n${words}`, end);
}

/** Bash names the line of what it could not read itself, such as a syntax error. */
function lineInOutput(output: string): number | null {
  const last = [...output.matchAll(/^(\S+): line (\d+): /gm)].findLast(([, file]) => file === SETUP_FILE);
  return last === undefined ? null : Number(last[2]);
}

function failure(code: Reason['code'], detail: string, end?: BuildEnd, line: number | null = null): BuildFailure {
  const output = end?.output.slice(-QUOTED).trim() ?? '';
  const refused = end?.refused ?? [];
  const parts = [
    detail,
    ...(refused.length === 0 ? [] : [`Its network policy refused: ${refused.join('; ')}.`]),
    ...(output === '' ? [] : [`The end of its output:\n${output}`]),
  ];
  return { reason: { code, detail: parts.join('\n').slice(0, 8192) }, line };
}

const memoryDetail = ({ resources }: BuildLimits) =>
  `The build needed more than its ${resources.memory_mb} MB of memory: raise resources.memory_mb (SESSION_MEMORY_MB on the runner is the most).`;

const pidsDetail = ({ resources }: BuildLimits) =>
  `The build reached its limit of ${resources.pids} processes and threads: have it start fewer, or raise resources.pids (SESSION_PIDS on the runner is the most).`;

function fullDetail({ limit, used }: Full, { imageMb, files }: BuildLimits): string {
  if (limit === 'files')
    return `What it wrote has ${used} files, and ${files} are allowed (SESSION_WORKSPACE_FILES on the runner).`;
  return `What it wrote takes ${used} MB, and ${imageMb} MB are allowed (ENVIRONMENT_IMAGE_MB on the runner).`;
}

function missingDetail(programs: readonly string[]): string {
  return `The image lacks ${programs.join(' and ')}, which every session needs. Install it in \`setup\`, which itself needs bash, or take another image.`;
}
