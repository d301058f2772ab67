import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a test made of interfaces and rules, to be undone the other way round. */
type Undo = () => Promise<unknown>;

/**
 * The network of the stand-in's tasks: each has one card, and over it one address answers, the runner's, on one port. As in a
 * VPC whose security groups let a task to the runner alone. Only root on Linux can make it.
 */
export class TaskNetwork {
  /** What tasks reach. There already while no task runs, so that a runner can listen on it. */
  readonly runnerAddress: string;
  readonly #prefix: string;
  readonly #card: string;
  #count = 1;
  readonly #undo: Undo[] = [];

  private constructor() {
    const [first, second] = [200 + Math.floor(Math.random() * 50), Math.floor(Math.random() * 250)];
    this.#prefix = `10.${first}.${second}`;
    this.#card = `ecs${first}-${second}`;
    this.runnerAddress = `${this.#prefix}.1`;
  }

  static async make(): Promise<TaskNetwork> {
    const network = new TaskNetwork();
    const card = `${network.#card}-r`;
    await run('ip', ['link', 'add', card, 'type', 'veth', 'peer', 'name', `${card}p`]);
    network.#undo.push(() => run('ip', ['link', 'del', card]));
    await run('ip', ['addr', 'add', `${network.runnerAddress}/32`, 'dev', card]);
    await run('ip', ['link', 'set', card, 'up']);
    return network;
  }

  /**
   * Gives the network of this process a card.
   *
   * @param port the runner's, which answers
   */
  async attach(pid: number, port: number): Promise<{ address: string; detach: () => Promise<void> }> {
    this.#count += 1;
    const address = `${this.#prefix}.${this.#count}`;
    const card = `${this.#card}-${this.#count}`;
    const inside = (...command: string[]) => run('nsenter', ['-t', String(pid), '-n', ...command]);
    await run('ip', ['link', 'add', card, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid)]);
    const rules = [
      ['-i', card, '-d', this.runnerAddress, '-p', 'tcp', '--dport', String(port), '-j', 'ACCEPT'],
      ['-i', card, '-j', 'DROP'],
    ];
    for (const rule of rules) await run('iptables', ['-w', '-A', 'INPUT', ...rule]);
    // The host's ports would answer on the card's own IPv6 address.
    await run('sysctl', ['-qw', `net.ipv6.conf.${card}.disable_ipv6=1`]);
    await inside('sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=1');
    await run('ip', ['addr', 'add', `${this.runnerAddress}/32`, 'dev', card]);
    await run('ip', ['link', 'set', card, 'up']);
    await run('ip', ['route', 'add', `${address}/32`, 'dev', card]);
    await inside('ip', 'addr', 'add', `${address}/32`, 'dev', 'eth0');
    await inside('ip', 'link', 'set', 'eth0', 'up');
    await inside('ip', 'route', 'add', `${this.runnerAddress}/32`, 'dev', 'eth0');
    const detach = async () => {
      for (const rule of rules) await run('iptables', ['-w', '-D', 'INPUT', ...rule]);
      // It has gone with the container's end.
      await run('ip', ['link', 'del', card]).catch(() => undefined);
    };
    return { address, detach };
  }

  async remove(): Promise<void> {
    for (const undo of this.#undo.toReversed()) await undo();
  }
}
