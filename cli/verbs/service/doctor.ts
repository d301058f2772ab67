import { chooseConnection } from '../../context/connection.ts';
import { readContexts } from '../../context/contexts.ts';
import { bad, type Finding } from '../../doctor/check.ts';
import { checkEngine, checkImage } from '../../doctor/engine.ts';
import { checkDisk, checkModel, checkNode, checkPort, imageTag } from '../../doctor/machine.ts';
import { checkService, checkToken } from '../../doctor/service.ts';
import { printJson, type Cli, type CommonOptions } from '../../lib/cli.ts';
import { ExitCode, Failure } from '../../lib/failure.ts';
import { localServiceUrl, projectFolder, serviceEnvironment } from '../../lib/project.ts';
import { verb } from '../../lib/verb.ts';
import { printable } from '../../output/terminal.ts';
import { claimsOf } from './login-code.ts';

/** `cc-docker doctor`. */
export function doctor(cli: Cli) {
  return verb('doctor', 'what is wrong here, and the command that mends it').action(async (options) => {
    const findings = await examine(cli, options);
    const isWell = findings.every(({ state }) => state !== 'bad');
    process.exitCode = isWell ? ExitCode.done : ExitCode.failed;
    if (options.json === true) return printJson(cli, { ok: isWell, findings });
    for (const finding of findings) show(cli, finding);
  });
}

const SIGNS = { ok: ['✓', 'green'], note: ['!', 'yellow'], bad: ['✗', 'red'] } as const;

function show({ out }: Cli, { what, state, detail, remedy }: Finding): void {
  const [sign, format] = SIGNS[state];
  out.line(`${out.style(format, sign)} ${printable(what)}: ${printable(detail)}`);
  if (remedy !== '') out.line(`    ${out.style('bold', remedy)}`);
}

async function examine(cli: Cli, options: CommonOptions): Promise<Finding[]> {
  const project = projectFolder();
  const env = serviceEnvironment(project, cli.env);
  const login = loginOf(cli, options);
  const local = localServiceUrl(env);
  const url = 'refused' in login ? local : login.connection.url;
  const isHere = ['127.0.0.1', 'localhost', '[::1]', new URL(local).hostname].includes(new URL(url).hostname);
  const { answers, findings } = await checkService(url, isHere, cli.signal);
  const tokenFinding =
    'refused' in login
      ? bad('login', login.refused.message, login.refused.remedy)
      : answers
        ? await checkToken(login.connection, login.expiresAt, cli.signal)
        : undefined;
  // Of a service elsewhere, this machine says nothing.
  const machine = isHere && project !== null ? await examineMachine(project, env, answers && url === local) : [];
  return [checkNode(), ...machine, ...findings, ...(tokenFinding === undefined ? [] : [tokenFinding])];
}

async function examineMachine(project: string, env: typeof process.env, isServed: boolean): Promise<Finding[]> {
  const [engine, image, disk, port] = await Promise.all([
    checkEngine(env),
    env['RUNNER_BACKEND'] === 'process'
      ? undefined
      : imageTag(project, env).then(async (tag) => await checkImage(env, tag)),
    checkDisk(project, env),
    checkPort(env, isServed),
  ]);
  return [engine, ...(image === undefined ? [] : [image]), disk, port, checkModel(env)];
}

function loginOf({ env }: Cli, { context }: CommonOptions) {
  try {
    const connection = chooseConnection(env, context);
    const kept = connection.name === null ? undefined : readContexts(env).contexts[connection.name];
    return { connection, expiresAt: kept?.expires_at ?? claimsOf(connection.token).expires_at };
  } catch (error) {
    if (error instanceof Failure) return { refused: error };
    throw error;
  }
}
