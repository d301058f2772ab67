import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type Docker from 'dockerode';
import * as z from 'zod';
import { Label } from '../../runner/backend/container-spec.ts';
import { engineStatus } from '../../runner/backend/docker-error.ts';
import { allPids, kindOf } from './processes.ts';
import type { SessionHost, SessionProcess } from './session-host.ts';

/** Networks that an engine always has. */
const BUILT_IN = ['none', 'host', 'bridge'];

/** What the engine says of a container that starts or ends, one a line. */
const engineEvent = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
});

/** Sessions as containers of a Docker engine. Everything is asked of the engine, never of the service. */
export class Containers implements SessionHost {
  readonly mostContainers = new Map<string, number>();
  readonly #docker: Docker;
  readonly #folder: string;
  /** The containers that run, by their session. */
  readonly #running = new Map<string, Set<string>>();
  readonly #volumes = new Set<string>();
  readonly #networks = new Set<string>();
  readonly #looks = new Set<Promise<void>>();
  #endEvents: () => void = () => {};

  private constructor(docker: Docker, folder: string) {
    this.#docker = docker;
    this.#folder = folder;
  }

  /** @param folder of the sessions' folders, which their containers mount: by that they are known */
  static async open(docker: Docker, folder: string): Promise<Containers> {
    const containers = new Containers(docker, folder);
    await containers.#watch();
    return containers;
  }

  async processes(): Promise<SessionProcess[]> {
    const sessions = new Map((await this.#own(false)).map(({ Id, Labels }) => [Id, Labels[Label.session] ?? '']));
    const found = await Promise.all(
      (await allPids()).map(async (pid): Promise<SessionProcess | null> => {
        // An error: it has ended.
        const groups = await readFile(`/proc/${pid}/cgroup`, 'latin1').catch(() => '');
        const id = [...sessions.keys()].find((one) => groups.includes(one));
        if (id === undefined) return null;
        return { pid, sessionId: sessions.get(id) ?? '', what: await kindOf(pid) };
      }),
    );
    return found.filter((one) => one !== null);
  }

  async killAll(sessionId: string): Promise<boolean> {
    const own = (await this.#own(false)).filter(({ Labels }) => Labels[Label.session] === sessionId);
    const killed = await Promise.all(
      own.map(async ({ Id }) => {
        try {
          await this.#docker.getContainer(Id).kill();
          return true;
        } catch (error) {
          // It has ended, or is gone.
          if ([404, 409].includes(engineStatus(error) ?? 0)) return false;
          throw error;
        }
      }),
    );
    return killed.includes(true);
  }

  async left(): Promise<string[]> {
    await Promise.all(this.#looks);
    const containers = (await this.#own(true)).map(({ Names, State }) => `the container ${Names.join()} (${State})`);
    const volumes = await this.#thereOf(this.#volumes, (name) => this.#docker.getVolume(name));
    const networks = await this.#thereOf(this.#networks, (name) => this.#docker.getNetwork(name));
    return [
      ...containers,
      ...volumes.map((name) => `the volume ${name}`),
      ...networks.map((name) => `the network ${name}`),
    ];
  }

  async close(): Promise<void> {
    this.#endEvents();
    for (const { Id } of await this.#own(true)) await this.#docker.getContainer(Id).remove({ force: true, v: true });
  }

  async #own(all: boolean): Promise<Docker.ContainerInfo[]> {
    const found = await this.#docker.listContainers({ all, filters: { label: [Label.session] } });
    return found.filter(({ Mounts }) => Mounts.some(({ Source }) => Source.startsWith(`${this.#folder}${path.sep}`)));
  }

  async #thereOf(names: ReadonlySet<string>, get: (name: string) => { inspect(): Promise<unknown> }) {
    const there: string[] = [];
    for (const name of names) if ((await get(name).inspect().catch(unlessGone)) !== undefined) there.push(name);
    return there;
  }

  async #watch(): Promise<void> {
    const stream = await this.#docker.getEvents({
      filters: { type: ['container'], event: ['start', 'die'], label: [Label.session] },
    });
    this.#endEvents = () => void ('destroy' in stream && typeof stream.destroy === 'function' && stream.destroy());
    // Destroyed at the end.
    stream.on('error', () => undefined);
    let rest = '';
    stream.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') this.#take(engineEvent.parse(JSON.parse(line)));
    });
  }

  #take({ Action, Actor: { ID, Attributes } }: z.infer<typeof engineEvent>): void {
    const session = Attributes[Label.session] ?? '';
    const running = this.#running.get(session) ?? new Set();
    this.#running.set(session, running);
    if (Action === 'die') return void running.delete(ID);
    running.add(ID);
    this.mostContainers.set(session, Math.max(this.mostContainers.get(session) ?? 0, running.size));
    const look = this.#look(ID).finally(() => this.#looks.delete(look));
    this.#looks.add(look);
  }

  /** Remembers what a container holds besides itself. */
  async #look(id: string): Promise<void> {
    const found = await this.#docker.getContainer(id).inspect().catch(unlessGone);
    if (found?.Mounts.some(({ Source }) => Source.startsWith(`${this.#folder}${path.sep}`)) !== true) return;
    for (const mount of found.Mounts) if (mount.Type === 'volume') this.#volumes.add(mount.Name ?? mount.Source);
    for (const name of Object.keys(found.NetworkSettings.Networks))
      if (!BUILT_IN.includes(name)) this.#networks.add(name);
  }
}

function unlessGone(error: unknown): undefined {
  if (engineStatus(error) !== 404) throw error;
}
