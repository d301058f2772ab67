import * as z from 'zod';

const facts = z.object({
  Os: z.string(),
  Architecture: z.string(),
  Config: z.object({ Entrypoint: z.array(z.string()).nullish() }),
});
const engine = z.object({ OSType: z.string(), Architecture: z.string() });

/** Docker's names for images, by those that the kernel gives to machines. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };
const WRAPPER = /wrapper\.mjs$/;

/**
 * Why no session can run in an image that the engine has; undefined: it can.
 *
 * @param inspected what the engine says of the image
 * @param info what it says of itself
 */
export function unfitImage(image: string, inspected: unknown, info: unknown): string | undefined {
  const { Os, Architecture, Config } = facts.parse(inspected);
  const machine = engine.parse(info);
  const wanted = `${machine.OSType}/${ARCHITECTURES[machine.Architecture] ?? machine.Architecture}`;
  if (`${Os}/${Architecture}` !== wanted) {
    return `The image ${image} is for ${Os}/${Architecture}, and this engine runs ${wanted}: pull or build it for that.`;
  }
  if (Config.Entrypoint?.some((word) => WRAPPER.test(word)) !== true) {
    return `The image ${image} (SESSION_IMAGE) does not start CC-Docker's wrapper: build it FROM the image of \`npm run image\` (cc-docker/session), and keep its ENTRYPOINT.`;
  }
  return undefined;
}
