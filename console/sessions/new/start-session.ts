import type { CreateSessionRequest, Session } from '../../../client/main.ts';
import { cc } from '../../service/service.ts';

/** A session that is being begun: what has been done of it is not done again. */
export interface Starting {
  readonly request: CreateSessionRequest;
  readonly title: string;
  readonly prompt: string;
}

/** Begins sessions, each in three calls. One that fails on the way goes on where it was. */
export class SessionStarter {
  #made: { readonly session: Session; readonly request: string } | null = null;

  /**
   * Makes the session, gives it its title, and sends the prompt.
   *
   * @throws CcDockerError what the service refuses; the next call goes on from there, unless another session is asked for
   */
  async start({ request, title, prompt }: Starting): Promise<Session> {
    const asked = JSON.stringify(request);
    if (this.#made?.request !== asked) {
      const session = await cc.sessions.create(request);
      this.#made = { session, request: asked };
    }
    const { session } = this.#made;
    if (title !== '') await session.change({ title });
    await session.send(prompt);
    this.#made = null;
    return session;
  }
}
