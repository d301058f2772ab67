import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BareRepository } from '../github/bare-repository.ts';

/** GitLab: `-o merge_request.create` and what goes with it, of a branch that was pushed (git's post-receive). */
const GITLAB = `
const count = Number(process.env.GIT_PUSH_OPTION_COUNT ?? 0);
const options = Object.fromEntries(Array.from({ length: count }, (_, n) => {
  const [name, ...value] = process.env['GIT_PUSH_OPTION_' + n].split('=');
  return [name, value.join('=')];
}));
if ('merge_request.create' in options) {
  const [, , ref] = fs.readFileSync(0, 'utf8').trim().split(' ');
  keep({
    head: ref.replace('refs/heads/', ''),
    base: options['merge_request.target'] ?? 'main',
    title: options['merge_request.title'] ?? '',
    body: options['merge_request.description'] ?? '',
  });
  console.log('View merge request for ' + ref);
}`;

/** Gitea: a push to refs/for/BRANCH is no branch, but a pull request (git's proc-receive, in packets of its protocol). */
const GITEA = `
const said = [];
const read = (length) => {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length;) at += fs.readSync(0, bytes, at, length - at);
  return bytes.toString();
};
const packets = () => {
  const lines = [];
  for (;;) {
    const length = Number.parseInt(read(4), 16);
    if (length === 0) return lines;
    lines.push(read(length - 4).replace(/\\n$/, ''));
  }
};
const packet = (line) => (line.length + 4).toString(16).padStart(4, '0') + line;
packets();
fs.writeSync(1, packet('version=1\\0push-options') + '0000');
const commands = packets();
const options = Object.fromEntries(packets().map((option) => option.split(/=(.*)/s).slice(0, 2)));
for (const command of commands) {
  const [, commit, ref] = command.split(' ');
  keep({
    head: options.topic,
    base: ref.replace('refs/for/', ''),
    title: options.title ?? '',
    body: options.description ?? '',
  });
  said.push(packet('ok ' + ref));
}
fs.writeSync(1, said.join('') + '0000');`;

/** Has pushes open requests to merge. @returns the file in which they are, each a line of JSON */
export async function installHooks(kind: 'gitlab' | 'gitea', repository: BareRepository): Promise<string> {
  const bare = (await repository.git('rev-parse', '--absolute-git-dir')).trim();
  const file = path.join(bare, 'proposals');
  await writeFile(file, '');
  await repository.git('config', 'receive.advertisePushOptions', 'true');
  if (kind === 'gitea') await repository.git('config', 'receive.procReceiveRefs', 'refs/for');
  const hook = path.join(bare, 'hooks', kind === 'gitlab' ? 'post-receive' : 'proc-receive');
  const start = `#!${process.execPath}\nconst fs = require('node:fs');
const keep = (proposal) => fs.appendFileSync(${JSON.stringify(file)}, JSON.stringify(proposal) + '\\n');\n`;
  await writeFile(hook, start + (kind === 'gitlab' ? GITLAB : GITEA));
  await chmod(hook, 0o755);
  return file;
}
