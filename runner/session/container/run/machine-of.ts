import type { Launch } from '../../../../protocol/link/runner-control.ts';
import type { RunnerNotice } from '../../../../protocol/link/runner-notice.ts';
import type { Reason } from '../../../../protocol/reason.ts';
import { sessionMachine, type SessionMachine } from '../../environment/devcontainer/session-machine.ts';
import type { Placement, SessionFolders } from '../../../lib/session-folders.ts';
import type { ContainerDependencies } from '../container-sockets.ts';
import type { EgressPlan } from '../session-egress.ts';

const NO_ENVIRONMENTS =
  'This runner builds no images of environments: that takes a Docker engine of its own (RUNNER_BACKEND=docker).';

type MachineOptions = Pick<ContainerDependencies, 'backend' | 'environments'> & {
  folders: SessionFolders;
  placement: Placement;
};

interface Listener {
  /** Aborted: nobody needs it any more. */
  signal: AbortSignal;
  notify: (notices: RunnerNotice[]) => void;
}

/** Finds or builds what the session's container starts from; undefined: it has no environment. */
export function machineOf(
  { backend, folders, environments, placement }: MachineOptions,
  launch: Launch,
  plan: EgressPlan,
  { signal, notify }: Listener,
): (() => Promise<SessionMachine>) | undefined {
  const { environment } = launch;
  if (environment === undefined) return undefined;
  const { resources } = placement;
  if (environments === undefined || resources === null)
    return async () => ({ ok: false, reason: { code: 'environment_unavailable', detail: NO_ENVIRONMENTS } });
  const input = { launch, environment, plan, layout: backend.layout(folders) };
  const onWaiting = (reason: Reason): void => notify([{ host_notice: 'waiting', reason }]);
  return async () => await sessionMachine(environments, input, { resources, signal, notify, onWaiting });
}
