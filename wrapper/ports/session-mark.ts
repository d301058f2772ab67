/**
 * In the environment of all that runs in a session, whoever began it (`claude`, a terminal, a command of its repository), the
 * session's id: without a container, that is how its processes are told from the machine's others.
 */
export const SESSION_MARK = 'CC_DOCKER_SESSION';
