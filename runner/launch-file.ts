import path from 'node:path';
import type { Launch } from '../protocol/runner-control.ts';
import type { WrapperLaunch } from '../protocol/wrapper-launch.ts';
import type { ContainerLayout } from './backend/backend.ts';
import { containerModelEnv, type ModelUpstream } from './model/upstream.ts';
import { hasTranscript, type SessionFolders } from './session-folders.ts';

export interface LaunchFileInput {
  launch: Launch;
  folders: SessionFolders;
  layout: ContainerLayout;
  upstream: ModelUpstream;
  /** The operator's own settings for Claude Code. */
  claudeEnv: Record<string, string>;
}

/** What the wrapper is told. Whether there is something to resume, the disk knows better than the launch. */
export async function launchFile(input: LaunchFileInput): Promise<WrapperLaunch> {
  const { launch, folders, layout, upstream, claudeEnv } = input;
  return {
    session_id: launch.session_id,
    epoch: launch.epoch,
    resume: await hasTranscript(folders, launch.session_id),
    claude: layout.claude,
    cwd: layout.workspace,
    link_socket: path.join(layout.run, 'link.sock'),
    scratch: layout.tmp,
    config: launch.config,
    env: {
      HOME: layout.home,
      TMPDIR: layout.tmp,
      PATH: layout.path,
      LANG: 'C.UTF-8',
      CLAUDE_CONFIG_DIR: layout.claudeConfig,
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      ...claudeEnv,
      ...layout.env,
      ...containerModelEnv(upstream, path.join(layout.run, 'model.sock')),
    },
  };
}
