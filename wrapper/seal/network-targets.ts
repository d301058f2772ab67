/** Something that a container must not reach, with the name that a broken seal gives it. */
export interface NetworkTarget {
  name: string;
  /** `dns`: a question over UDP. */
  by: 'tcp' | 'dns';
  host: string;
  port: number;
}

/** ECS's endpoint within a task. It always answers there, and gives credentials only to a task with a role. */
export const TASK_METADATA = 'task metadata';

/** Resolvers and servers that are known everywhere. */
const OUTSIDE = [
  ['1.1.1.1', 443],
  ['1.1.1.1', 80],
  ['8.8.8.8', 443],
  ['2606:4700:4700::1111', 443],
] as const;
/** The instance's own: it gives the credentials of the machine. */
const INSTANCE_METADATA = ['169.254.169.254', 'fd00:ec2::254'];
/** The resolver of a network of AWS. */
const VPC_RESOLVERS = ['169.254.169.253', 'fd00:ec2::253'];
const PUBLIC_RESOLVERS = ['1.1.1.1', '8.8.8.8'];
/** What else a machine that runs a runner may serve: shells, the engine, CC-Docker itself, storage, databases. */
const RUNNER_PORTS = [22, 53, 80, 111, 443, 2375, 2376, 5432, 6379, 8000, 8080, 8443, 8787, 9000, 9090, 9100];

/** All that is tried from a container that may reach its runner alone. Pure. */
export function networkTargets(runner: { host: string; port: number }, resolvers: readonly string[]): NetworkTarget[] {
  const names = [...new Set([...resolvers, ...VPC_RESOLVERS, ...PUBLIC_RESOLVERS])];
  return [
    ...OUTSIDE.map(([host, port]) => target('outside', host, port)),
    ...INSTANCE_METADATA.map((host) => target('instance metadata', host, 80)),
    { name: TASK_METADATA, by: 'tcp', host: '169.254.170.2', port: 80 },
    ...names.map((host): NetworkTarget => ({ name: `name server ${host}`, by: 'dns', host, port: 53 })),
    ...RUNNER_PORTS.filter((port) => port !== runner.port).map((port) =>
      target(`port ${port} of the runner`, runner.host, port),
    ),
  ];
}

const target = (name: string, host: string, port: number): NetworkTarget => ({ name, by: 'tcp', host, port });
