import * as z from 'zod';
import type { DevcontainerFile } from './parse.ts';
import type { UnsupportedList } from './unsupported.ts';

const MAX_PORTS = 16;
const MAX_LABEL = 64;

export interface DevcontainerPort {
  readonly port: number;
  readonly label?: string;
}

const attributes = z.record(
  z.string(),
  z.object({ label: z.string().optional().catch(undefined), onAutoForward: z.string().optional().catch(undefined) }),
);
type Attributes = z.infer<typeof attributes>;

/** The ports that the file forwards, with their labels. Those of other containers are named. */
export function readPorts(file: DevcontainerFile, unsupported: UnsupportedList): DevcontainerPort[] {
  const known = attributes.safeParse(file['portsAttributes'] ?? {});
  if (!known.success) unsupported.add('portsAttributes', 'must be an object with the attributes of each port');
  const found = new Map<number, DevcontainerPort>();
  for (const field of ['forwardPorts', 'appPort'] as const) {
    const given = file[field];
    for (const each of given === undefined ? [] : Array.isArray(given) ? given : [given]) {
      const port = portOf(each, field === 'appPort');
      const named = `${field}: ${JSON.stringify(each)}`;
      if (typeof port === 'string') unsupported.add(named, port);
      else if (!found.has(port) && found.size >= MAX_PORTS) unsupported.add(named, `is more than ${MAX_PORTS} ports`);
      else found.set(port, { port, ...labelOf(port, known.data ?? {}) });
    }
  }
  return [...found.values()];
}

/** The port; or why it is none of this container. @param published an `appPort` may be `host:container` */
function portOf(given: unknown, published: boolean): number | string {
  const [, host, digits] = /^(?:(.+):)?(\d{1,5})$/.exec(String(given)) ?? [];
  const port = Number(digits);
  if (typeof given !== 'number' && typeof given !== 'string') return 'must be a port';
  if (digits === undefined || port < 1 || port > 65_535) return 'must be a port from 1 to 65535';
  if (host === undefined || published || ['localhost', '127.0.0.1', '0.0.0.0', '[::1]'].includes(host)) return port;
  return `there is no other container here that is called ${host}`;
}

/** Keys are a port, a range of ports, or an expression for command lines, which nothing here is matched with. */
function labelOf(port: number, known: Attributes): { label?: string } {
  for (const [key, { label }] of Object.entries(known)) {
    const [, first, last] = /^(?:localhost:)?(\d{1,5})(?:-(\d{1,5}))?$/.exec(key) ?? [];
    if (first === undefined || port < Number(first) || port > Number(last ?? first)) continue;
    const clean =
      label
        ?.toWellFormed()
        .replaceAll(/\p{Cc}/gu, ' ')
        .trim()
        .slice(0, MAX_LABEL)
        .toWellFormed() ?? '';
    return clean === '' ? {} : { label: clean };
  }
  return {};
}
