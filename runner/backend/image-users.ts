import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';
import { extract } from 'tar-stream';
import { Semaphore } from '../lib/semaphore.ts';
import type { Owner } from '../lib/session-folders.ts';
import { CONTAINER_LAYOUT } from './container-spec.ts';
import { engineStatus } from './docker-error.ts';
import { withHelper } from './helper-container.ts';

/** The text of `/etc/passwd` and of `/etc/group`. */
export interface Users {
  passwd: string;
  group: string;
}

/** The name of the user, and of the group, that a container runs as. */
const AGENT = 'agent';
const NO_USERS: Users = { passwd: 'root:x:0:0:root:/root:/bin/sh\n', group: 'root:x:0:\n' };

/**
 * The image's users with the container's own among them. It comes before others of the same number, so that the number has
 * its name. The others keep theirs: an image may need them.
 */
export function withAgent(image: Users, { uid, gid }: Owner): Users {
  const users = linesOf(image.passwd).filter((line) => fieldOf(line, 0) !== AGENT);
  const same = users.findIndex((line) => fieldOf(line, 2) === String(uid));
  // A shell that the image has, as far as it says.
  const shell = fieldOf(users[same] ?? '', 6) ?? fieldOf(users.find((line) => fieldOf(line, 2) === '0') ?? '', 6);
  const user = `${AGENT}:x:${uid}:${gid}:${AGENT}:${CONTAINER_LAYOUT.home}:${shell ?? '/bin/sh'}`;
  const groups = linesOf(image.group).filter((line) => fieldOf(line, 0) !== AGENT);
  const sameGroup = groups.findIndex((line) => fieldOf(line, 2) === String(gid));
  return { passwd: insert(users, same, user), group: insert(groups, sameGroup, `${AGENT}:x:${gid}:`) };
}

/**
 * Reads an image's users, in a container that is made for it and never started.
 *
 * @param image its id
 * @throws when the engine does not answer
 */
async function readUsers(
  docker: Docker,
  { image, runnerId }: { image: string; runnerId: string },
  abortSignal: AbortSignal,
): Promise<Users> {
  const options = { Image: image, Cmd: ['true'], abortSignal };
  return await withHelper(docker, { job: 'users', runnerId, options }, async (container) => {
    const passwd = await readFileOf(container, '/etc/passwd', abortSignal);
    const group = await readFileOf(container, '/etc/group', abortSignal);
    return { passwd: passwd ?? NO_USERS.passwd, group: group ?? NO_USERS.group };
  });
}

/** Images whose users are remembered. */
const MOST_IMAGES = 64;

/** The users of images, each read once. An image of an environment may hold anything there: it is read as what a stranger wrote. */
export class ImageUsers {
  readonly #docker: Docker;
  readonly #runnerId: string;
  readonly #timeoutMs: number;
  /** Of helpers of one job there is one at a time. */
  readonly #turns = new Semaphore(1);
  /** By the name that was asked for; the id is of the image that had it then. */
  readonly #known = new Map<string, { id: string; users: Promise<Users> }>();

  constructor(docker: Docker, runnerId: string, timeoutMs: number) {
    this.#docker = docker;
    this.#runnerId = runnerId;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @param look the name may mean another image by now
   * @throws when the engine does not answer, or has no such image
   */
  async of(image: string, look = false): Promise<Users> {
    let reading = this.#known.get(image);
    if (reading === undefined || look) {
      const { Id: id } = await this.#docker.getImage(image).inspect();
      // Another caller may have begun meanwhile.
      reading = this.#known.get(image);
      if (reading?.id !== id) {
        reading = { id, users: this.#read(id) };
        this.#known.delete(image);
        this.#known.set(image, reading);
        const [oldest] = this.#known.keys();
        if (this.#known.size > MOST_IMAGES && oldest !== undefined) this.#known.delete(oldest);
      }
    }
    try {
      return await reading.users;
    } catch (error) {
      if (this.#known.get(image) === reading) this.#known.delete(image);
      throw error;
    }
  }

  #read(image: string): Promise<Users> {
    const of = { image, runnerId: this.#runnerId };
    return this.#turns.run(() => readUsers(this.#docker, of, AbortSignal.timeout(this.#timeoutMs)));
  }
}

/** Larger files of users are taken for none, bytes. */
const MOST_BYTES = 1024 * 1024;

/** @returns undefined: there is none */
async function readFileOf(
  container: Docker.Container,
  path: string,
  abortSignal: AbortSignal,
): Promise<string | undefined> {
  let archive: NodeJS.ReadableStream;
  try {
    archive = await container.getArchive({ path, abortSignal });
  } catch (error) {
    if (engineStatus(error) === 404) return undefined;
    throw error;
  }
  // The first entry is what was asked for. Of a folder, all that is in it would follow.
  for await (const entry of archive.pipe(extract())) {
    const { type, size } = entry.header;
    return type === 'file' && size <= MOST_BYTES ? await text(entry) : undefined;
  }
  return undefined;
}

const linesOf = (file: string) => file.split('\n').filter((line) => line.trim() !== '');
/** @returns undefined: it is missing or empty */
const fieldOf = (line: string, index: number) => line.split(':')[index]?.trim() || undefined;

/** Before the line at `index`; -1: after the last. */
function insert(lines: readonly string[], index: number, line: string): string {
  return `${(index === -1 ? [...lines, line] : lines.toSpliced(index, 0, line)).join('\n')}\n`;
}
