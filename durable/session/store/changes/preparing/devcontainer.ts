import type { OwnEvent } from '../../../../../protocol/api/session/own-events.ts';
import type { DevcontainerNotice } from '../../../../../protocol/link/environment/environment.ts';
import type { FrozenEnvironment } from '../../../../shared/environments/frozen.ts';

/** A session's environment with what its repository says. */
export function withDevcontainer(known: FrozenEnvironment, notice: DevcontainerNotice): FrozenEnvironment {
  const { image, setup, env, devcontainer } = notice;
  const read = { ...(image !== undefined && { image }), ...(setup !== undefined && { setup }), env, devcontainer };
  return { ...known, build: { ...known.build, ...read } };
}

/** The same in the session's log. */
export function devcontainerEvent(epoch: number, notice: DevcontainerNotice): OwnEvent {
  const { repo, commit, image = null, setup, devcontainer, ports, unsupported } = notice;
  return {
    type: 'environment.devcontainer',
    data: {
      epoch,
      repo,
      commit,
      file: devcontainer.file,
      image,
      features: setup !== undefined,
      commands: devcontainer.commands.map(({ name }) => name),
      ports,
      unsupported,
    },
  };
}
