import { parseArgs } from 'node:util';
import Docker from 'dockerode';
import { ensureImage, IMAGE_NAME, imageTag } from '../container/build/build-image.ts';
import { errorText } from '../container/build/engine-stream.ts';
import { ensureEcsImage } from '../container/build/ecs-image.ts';
import { bundlePorter, bundleWrapper } from './bundle.ts';

const HELP = `npm run image -- [options]

Builds the image that sessions run in, for the Docker engine that DOCKER_HOST names or this machine's own, unless the
engine has it already. It holds Claude Code's proprietary binary: never publish it.

  --force   build anew, every step of it
  --ecs     also the one for tasks of Amazon ECS, with the porter (docs/ecs.md)
  --tag     print the image's name and do nothing else
  --prune   afterwards remove the images of earlier versions
  --help    this text`;

type Command =
  | { run: 'help' | 'tag' }
  | { run: 'build'; force: boolean; prune: boolean; ecs: boolean }
  | { run: 'refuse'; why: string };

function parseCommand(): Command {
  try {
    const { values } = parseArgs({
      options: {
        force: { type: 'boolean', default: false },
        ecs: { type: 'boolean', default: false },
        tag: { type: 'boolean', default: false },
        prune: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { run: 'help' };
    const { force, prune, ecs } = values;
    return values.tag ? { run: 'tag' } : { run: 'build', force, prune, ecs };
  } catch (error) {
    return { run: 'refuse', why: errorText(error) };
  }
}

async function buildImage({ force, prune, ecs }: { force: boolean; prune: boolean; ecs: boolean }): Promise<void> {
  const docker = new Docker();
  const result = await ensureImage({ docker, wrapper: await bundleWrapper(), onProgress: console.log, force });
  if (!result.ok) {
    console.error(`${result.detail} (${result.error})`);
    process.exitCode = 1;
    return;
  }
  console.log(`${result.tag} ${result.built ? 'is built' : 'is there already'}`);
  if (ecs) console.log(`${await ensureEcsImage(docker, result.tag, await bundlePorter())} is for tasks of ECS`);
  if (prune) await removeOthers(docker, result.tag);
}

async function removeOthers(docker: Docker, current: string): Promise<void> {
  const images = await docker.listImages({ filters: { reference: [IMAGE_NAME] } });
  const others = images
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((tag) => tag.startsWith(`${IMAGE_NAME}:`) && tag !== current && tag !== `${IMAGE_NAME}:latest`);
  for (const tag of others) {
    try {
      await docker.getImage(tag).remove();
      console.log(`${tag} is removed`);
    } catch (error) {
      // For example because a container still uses it.
      console.log(`${tag} stays: ${errorText(error)}`);
    }
  }
}

const command = parseCommand();
switch (command.run) {
  case 'help':
    console.log(HELP);
    break;
  case 'tag':
    console.log(await imageTag(await bundleWrapper()));
    break;
  case 'build':
    await buildImage(command);
    break;
  case 'refuse':
    console.error(`${command.why}\n\n${HELP}`);
    process.exitCode = 1;
    break;
}
