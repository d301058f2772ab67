import dns from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net, { isIP } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

/**
 * Names of a test's own servers, for the runner's process alone: preloaded there (`nodeOptions`), so that no file of
 * the machine has to name them. `.test` is never in use elsewhere (RFC 6761).
 *
 * To each name its answers, in turn: the last is given from then on. So a name can change its mind (DNS rebinding).
 */
export type TestNames = Record<string, readonly (readonly string[])[]>;

/**
 * What a process needs in its environment to know them. It then knows no other name but `localhost`.
 *
 * @param asked a file that gets every name that was asked for, a line each
 * @param ports where connections to these ports go: a server of a test cannot have 443
 */
export function testNamesEnv(names: TestNames, asked?: string, ports?: TestPorts): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${fileURLToPath(import.meta.url)}`,
    TEST_NAMES: JSON.stringify(names),
    ...(asked !== undefined && { TEST_NAMES_ASKED: asked }),
    ...(ports !== undefined && { TEST_PORTS: JSON.stringify(ports) }),
  };
}

/** Ports as they are dialled, and in their place those that are listened on. */
export type TestPorts = Readonly<Record<number, number>>;

const given = process.env['TEST_NAMES'];
if (given !== undefined) preload(z.record(z.string(), z.array(z.array(z.string()))).parse(JSON.parse(given)));
const givenPorts = process.env['TEST_PORTS'];
if (givenPorts !== undefined) preloadPorts(z.record(z.string(), z.number()).parse(JSON.parse(givenPorts)));

function preloadPorts(ports: Record<string, number>): void {
  const { connect } = net;
  const patched = (options: net.NetConnectOpts, ...rest: unknown[]): unknown => {
    const port = 'port' in options ? ports[options.port] : undefined;
    return Reflect.apply(connect, net, [port === undefined ? options : { ...options, port }, ...rest]);
  };
  Object.assign(net, { connect: patched });
  syncBuiltinESMExports();
}

function preload(names: Record<string, string[][]>): void {
  const { lookup } = dns;
  const asked = process.env['TEST_NAMES_ASKED'];

  const answer = (written: string): LookupAddress[] | undefined => {
    const name = written.toLowerCase().replace(/\.$/, '');
    if (asked !== undefined) appendFileSync(asked, `${name}\n`);
    const answers = Object.hasOwn(names, name) ? names[name] : undefined;
    const next = (answers?.length ?? 0) > 1 ? answers?.shift() : answers?.[0];
    return next?.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };

  type Done = (error: Error | null, address?: string | LookupAddress[], family?: number) => void;
  const patched = (name: string, options: LookupOptions | number | Done, done?: Done): void => {
    const callback = typeof options === 'function' ? options : done;
    if (callback === undefined || isIP(name) !== 0 || name === 'localhost')
      return Reflect.apply(lookup, dns, [name, options, done]);
    const found = answer(name);
    const [first] = found ?? [];
    const all = typeof options === 'object' && options.all === true;
    queueMicrotask(() => {
      if (found === undefined) callback(unknown(name));
      else if (all) callback(null, found);
      else callback(null, first?.address ?? '', first?.family);
    });
  };
  Object.assign(dns, { lookup: patched });
  Object.assign(dns.promises, {
    lookup: (name: string, options: LookupOptions = {}) =>
      new Promise((resolve, reject) => {
        patched(name, options, (error, address, family) => {
          if (error !== null) reject(error);
          else resolve(options.all === true ? address : { address, family });
        });
      }),
  });
  syncBuiltinESMExports();
}

const unknown = (name: string): Error =>
  Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND', syscall: 'getaddrinfo' });
