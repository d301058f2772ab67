import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';

/**
 * In the environment of all that runs in a session, whoever began it (`claude`, a terminal, a command of its repository), the
 * session's id: without a container, that is how its processes are told from the machine's others.
 */
export const SESSION_MARK = 'CC_DOCKER_SESSION';

/** The mark's value: in a container that was a spare, `claude` has had the spare's since before the session came. */
export const markOf = ({ spare, session_id }: Pick<WrapperLaunch, 'spare' | 'session_id'>): string =>
  spare ?? session_id;
