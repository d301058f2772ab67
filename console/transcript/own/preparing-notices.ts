import type { OwnEvent } from '../../../client/main.ts';
import { line, type Notice } from './notice.ts';

/** What is made ready before the agent begins, and what is kept of it: machine, files, snapshots. */
export function preparingNotice(event: OwnEvent): Notice | 'silent' | null {
  switch (event.type) {
    case 'environment.build': {
      const { environment, state, cached, reason, output } = event.data;
      if (state === 'building') return line('info', `The environment ${environment} is built`);
      if (state === 'ready')
        return line('quiet', `The environment ${environment} is ${cached === true ? 'there' : 'built'}`);
      const why = reason === undefined ? '' : `: ${reason.detail}`;
      return line('bad', `The environment ${environment} could not be built${why}`, output ?? null);
    }
    case 'environment.devcontainer': {
      const { file, unsupported } = event.data;
      const left = unsupported.map(({ name, why }) => `${name}: ${why}`).join('\n');
      return line('quiet', `The machine is as ${file} says`, left === '' ? null : `Without effect:\n${left}`);
    }
    case 'environment.command': {
      const { name, state, output } = event.data;
      if (state === 'started') return line('quiet', `${name} runs`);
      return line(
        state === 'failed' ? 'bad' : 'quiet',
        `${name} ${state === 'failed' ? 'has failed' : 'is done'}`,
        output,
      );
    }
    case 'workspace.cloning':
      return line('quiet', `${event.data.repo} is cloned`);
    case 'workspace.cloned': {
      const { repo, commit, left_out, left_out_count: count } = event.data;
      const text = `${repo} is there, at ${commit.slice(0, 10)}${count === 0 ? '' : `, without ${count} files`}`;
      return line('quiet', text, count === 0 ? null : JSON.stringify(left_out, null, 2));
    }
    case 'workspace.fetched':
      return line('quiet', `What is new in ${event.data.repo} is fetched, up to ${event.data.commit.slice(0, 10)}`);
    case 'workspace.clone_skipped':
      return line('warn', `${event.data.repo} was not cloned`, event.data.detail);
    case 'workspace.restored':
      return line('quiet', `${event.data.files} files are there again`);
    case 'workspace.snapshot': {
      const { state, files, skipped, detail } = event.data;
      if (state === 'pending') return line('warn', 'The files could not be saved yet', detail);
      if (state === 'failed') return line('bad', 'The files could not be saved', detail);
      const left = skipped.length === 0 ? null : `Left out:\n${JSON.stringify(skipped, null, 2)}`;
      return line('quiet', `${files} files are saved`, left);
    }
    default:
      return null;
  }
}
