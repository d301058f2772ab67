import type { ComponentChildren } from 'preact';
import type { SessionView } from '../../../client/main.ts';
import { CopyButton } from '../../safe/text/copy-button.tsx';
import { SafeText } from '../../safe/safe-text.tsx';
import { Money } from '../../ui/money.tsx';
import { durationText } from '../../ui/text/time-text.ts';
import { RelativeTime } from '../../ui/time.tsx';

/** What the session is, and what it has. */
export function Facts({ view }: { readonly view: SessionView }) {
  const { config, resources, environment, files } = view;
  const { network, allowed_tools: tools = ['*'] } = config;
  return (
    <section class="settings-facts" aria-label="What it has">
      <h2>What it has</h2>
      <dl>
        <Fact name="Id">
          <code>{view.session_id}</code> <CopyButton text={view.session_id} />
        </Fact>
        <Fact name="Status">
          {view.status}
          {view.reason !== null && (
            <>
              : <SafeText text={view.reason.detail} max={500} />
            </>
          )}
        </Fact>
        <Fact name="Begun">
          <RelativeTime at={view.created_at} />
        </Fact>
        <Fact name="Turns and cost">
          {view.total_turns}, <Money usd={view.total_cost_usd} />
        </Fact>
        {environment !== null && <Fact name="Environment">{environment.name}</Fact>}
        <Fact name="Workspace">
          <SafeText text={workspaceText(view.workspace)} />
        </Fact>
        <Fact name="Files">
          {files.saved ? 'All saved' : 'The newest are only on the runner'}
          {files.runner !== null && (
            <>
              , on <SafeText text={files.runner} line max={100} />
            </>
          )}
        </Fact>
        {resources !== null && <Fact name="Limits">{limitsText(resources)}</Fact>}
        <Fact name="Network">
          {network === undefined ? 'As the operator has set it' : <SafeText text={networkText(network)} />}
        </Fact>
        <List name="Secrets" of={config.secrets ?? []} />
        <List name="Secrets inside the container" of={view.exposed_secrets} />
        <List name="MCP servers" of={Object.keys(config.mcp_servers ?? {})} />
        <List name="Skills" of={config.skills ?? []} />
        <List name="Tools" of={tools.includes('*') ? [] : tools} />
        <List name="Who else may answer" of={config.answerers ?? []} />
        {config.idle_timeout_seconds !== undefined && (
          <Fact name="Parked when idle for">{durationText(config.idle_timeout_seconds * 1000)}</Fact>
        )}
        {view.parent_session_id !== null && (
          <Fact name="Parent">
            <a href={`/sessions/${view.parent_session_id}`}>{view.parent_session_id}</a>
          </Fact>
        )}
        {view.forked_from !== null && (
          <Fact name="Forked from">
            <a href={`/sessions/${view.forked_from}`}>{view.forked_from}</a>
          </Fact>
        )}
        {view.child_session_ids.length > 0 && (
          <Fact name="Children">
            {view.child_session_ids.map((id) => (
              <a key={id} class="settings-child" href={`/sessions/${id}`}>
                {id}
              </a>
            ))}
          </Fact>
        )}
      </dl>
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div class="settings-fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function List({ name, of }: { readonly name: string; readonly of: readonly string[] }) {
  return of.length === 0 ? null : (
    <Fact name={name}>
      <SafeText text={of.join(', ')} />
    </Fact>
  );
}

function workspaceText(workspace: SessionView['workspace']): string {
  const name = workspace.type === 'ephemeral' ? 'its own' : `${workspace.type} ${workspace.id}`;
  if (workspace.type === 'clone') return name;
  const first = workspace.git_repo === undefined ? [] : [workspace.git_repo];
  const repos = [...first, ...(workspace.git ?? []).map(({ repo }) => repo)];
  return repos.length === 0 ? name : `${name}, with ${repos.join(', ')}`;
}

function limitsText({ memory_mb, cpus, pids, workspace_mb }: NonNullable<SessionView['resources']>): string {
  const disk = workspace_mb === null ? '' : `, ${workspace_mb} MB of files`;
  return `${memory_mb} MB of memory, ${cpus} CPUs, ${pids} processes${disk}`;
}

function networkText({ allow, presets }: NonNullable<SessionView['config']['network']>): string {
  const allowed = [...(presets ?? []), ...(allow ?? [])];
  return allowed.length === 0 ? 'The model alone' : allowed.join(', ');
}
