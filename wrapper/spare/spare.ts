import { createConnection, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { CLAIM_FRAME, SPARE_SOCKET, type SpareFrame } from '../../protocol/link/wrapper/spare.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import { ClaudeProcess } from '../claude/claude-process.ts';
import { ToolChannel } from '../tools/tool-channel.ts';
import { openTelemetryPort } from '../workspace/telemetry-port.ts';
import type { Parked } from './parked.ts';

export interface ClaimedSpare {
  readonly launch: WrapperLaunch;
  readonly parked: Parked;
}

/** A container that waits for a session: its `claude` is started and initialised, and takes nothing before it is claimed. */
export class Spare {
  /** The session that has claimed it; null: none will. Never rejects. */
  readonly claimed: Promise<ClaimedSpare | null>;
  #settle: (claimed: ClaimedSpare | null) => void = () => {};
  readonly #spare: WrapperLaunch;
  readonly #readLaunch: () => WrapperLaunch | null;
  readonly #line: Socket;
  #parked: Parked | null = null;
  #over = false;

  /**
   * @param spare the content of `spare.json`
   * @param readLaunch reads `launch.json`; null: there is none
   */
  constructor(spare: WrapperLaunch, readLaunch: () => WrapperLaunch | null) {
    this.#spare = spare;
    this.#readLaunch = readLaunch;
    this.claimed = new Promise((resolve) => (this.#settle = resolve));
    this.#line = createConnection({ path: join(dirname(spare.link_socket), SPARE_SOCKET) });
    let heard = '';
    this.#line.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
      if (heard.includes(`${CLAIM_FRAME}\n`)) this.#look();
    });
    this.#line.on('error', () => {
      // `close` follows.
    });
    // The runner has ended, or gives the spare up; or it died while this spare was being claimed.
    this.#line.once('close', () => this.#look());
    void this.#park();
  }

  /** Ends it: nobody claims it any more. */
  end(): void {
    this.kill();
    this.#finish(null);
  }

  kill(): void {
    this.#parked?.claude.kill();
  }

  async #park(): Promise<void> {
    const { telemetry: collected, config } = this.#spare;
    const telemetry = collected === undefined ? null : openTelemetryPort(collected);
    const env = { ...(await telemetry?.env), ...this.#spare.env };
    if (this.#over) return;
    // It tells `claude` of the tools. A call comes only after the claim, and goes to the session's own.
    const tools = new ToolChannel(config.agent_tools, () => {});
    const listener = {
      line: () => {},
      ready: () => this.#say({ spare: 'parked' }),
      ended: (end: { detail?: string; stderr?: string }) => this.#failed(end.detail ?? end.stderr ?? ''),
    };
    const claude = new ClaudeProcess({ ...this.#spare, env }, {}, tools, listener, true);
    this.#parked = { claude, telemetry };
  }

  /** There may be a claim. */
  #look(): void {
    if (this.#over) return;
    const launch = this.#readLaunch();
    if (launch?.spare !== this.#spare.session_id || this.#parked === null) return this.end();
    this.#say({ spare: 'taken' });
    this.#line.end();
    this.#finish({ launch, parked: this.#parked });
  }

  #failed(detail: string): void {
    if (this.#over) return;
    console.error(`cc-docker wrapper: the spare’s claude has ended: ${detail}`);
    this.#say({ spare: 'failed', detail: detail.slice(-4096) });
    this.#line.end();
    this.#finish(null);
  }

  #say(frame: SpareFrame): void {
    if (this.#line.writable) this.#line.write(`${JSON.stringify(frame)}\n`);
  }

  #finish(claimed: ClaimedSpare | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#settle(claimed);
  }
}
