import * as z from 'zod';
import { environmentRequest, newEnvironmentName, type EnvironmentRequest } from '../api/environment.ts';
import type { Refusal } from '../api/problem.ts';
import { issuesOf } from '../issues.ts';

/** The operator's shared environments, by name. */
type SharedEnvironments = Readonly<Record<string, EnvironmentRequest>>;

const EXAMPLE = '{"python": {"setup": "apt-get update && apt-get install -y python3-venv"}}';

const shared = z.record(newEnvironmentName, environmentRequest);

/** The text that was read last. The same settings are read for every object, and this one may be long. */
let last: { readonly text: string; readonly read: SharedEnvironments } | null = null;

const sharedSetting = z
  .string()
  .default('{}')
  .transform((text, context): SharedEnvironments => {
    if (last?.text === text) return last.read;
    const read = readShared(text);
    if ('problem' in read) {
      context.addIssue({ code: 'custom', message: read.problem });
      return z.NEVER;
    }
    last = { text, read: read.environments };
    return read.environments;
  });

function readShared(text: string): { readonly environments: SharedEnvironments } | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: `must be JSON such as ${EXAMPLE}` };
  }
  const parsed = shared.safeParse(value);
  if (parsed.success) return { environments: parsed.data };
  const [issue] = issuesOf(parsed.error);
  return { problem: `must be JSON such as ${EXAMPLE}, and in ${issue?.path ?? ''}: ${issue?.message ?? ''}` };
}

/** A pattern of images. `*` stands for any characters. */
const pattern = z.string().regex(/^[A-Za-z0-9._/:@*-]{1,255}$/);

/** The images that environments may start from besides the service's own, by patterns that commas separate. */
const imagesSetting = z
  .string()
  .default('')
  .transform((text, context) => {
    const patterns = text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    const wrong = patterns.find((each) => !pattern.safeParse(each).success);
    if (wrong !== undefined) {
      const message = `takes names of images such as python:3.13-slim or ghcr.io/me/*, with commas between: not "${wrong}"`;
      context.addIssue({ code: 'custom', message });
    }
    return patterns;
  });

/** Of environments: which the operator shares, which images there may be, and how many one owner may have. */
export const environmentSettings = z.object({
  ENVIRONMENTS: sharedSetting,
  ENVIRONMENT_IMAGES: imagesSetting,
});
type WithImages = Pick<z.infer<typeof environmentSettings>, 'ENVIRONMENT_IMAGES'>;

/** One name for one image: `docker.io/library/python` is `python:latest`. */
function canonical(image: string): string {
  const short = image.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, '');
  const isTagged = /[:@]/.test(short.slice(short.lastIndexOf('/') + 1)) || short.endsWith('*');
  return isTagged ? short : `${short}:latest`;
}

/** Whether an image is among those of a list of patterns. */
export function isAllowedImage(image: string, patterns: readonly string[]): boolean {
  const name = canonical(image);
  return patterns.some((each) => matches(name, canonical(each)));
}

/** Without a regular expression: a long pattern with many `*` must not take long. */
function matches(name: string, glob: string): boolean {
  const [head = '', ...rest] = glob.split('*');
  if (!name.startsWith(head)) return false;
  const tail = rest.pop();
  if (tail === undefined) return name === head;
  let at = head.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return name.length - tail.length >= at && name.endsWith(tail);
}

/** Why an environment may not start from this image; null: it may. @param path of the field that names it */
export function imageRefusal({ ENVIRONMENT_IMAGES }: WithImages, image: string, path: string): Refusal | null {
  if (isAllowedImage(image, ENVIRONMENT_IMAGES)) return null;
  const allowed =
    ENVIRONMENT_IMAGES.length === 0
      ? 'which allows none besides the service’s own (name no image for that)'
      : `which allows ${ENVIRONMENT_IMAGES.join(', ')}`;
  const message = `"${image}" is not among the operator’s ENVIRONMENT_IMAGES, ${allowed}`;
  return { refused: 'image_forbidden', detail: `${path}: ${message}.`, errors: [{ path, message }] };
}
