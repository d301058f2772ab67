import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { gzipSync } from 'node:zlib';
import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';
import type { TestCertificate } from '../net/certificate.ts';
import { close, listen } from '../net/listen.ts';

export interface PackageRegistry {
  readonly port: number;
  /** Paths that were asked for. */
  readonly asked: string[];
  close(): Promise<void>;
}

export interface PackageRegistryOptions {
  readonly address: string;
  /** The name that clients know it by. */
  readonly host: string;
  /** Absent: plain HTTP. */
  readonly certificate?: TestCertificate;
}

/** npm's registry protocol, as far as `npm install` of one package without dependencies goes: `left-out@1.2.3`. */
export async function startPackageRegistry(options: PackageRegistryOptions): Promise<PackageRegistry> {
  const { address, host, certificate } = options;
  const tarball = await packageTarball('left-out', '1.2.3', "module.exports = 'left out';\n");
  const asked: string[] = [];
  let port = 0;
  const answer = (path: string): { status: number; body: string | Buffer } => {
    if (path === '/left-out/-/left-out-1.2.3.tgz') return { status: 200, body: tarball };
    if (path !== '/left-out') return { status: 404, body: '{"error":"not found"}' };
    const scheme = certificate === undefined ? 'http' : 'https';
    const dist = {
      tarball: `${scheme}://${host}:${port}/left-out/-/left-out-1.2.3.tgz`,
      integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
      shasum: createHash('sha1').update(tarball).digest('hex'),
    };
    const version = { name: 'left-out', version: '1.2.3', dist };
    const document = { name: 'left-out', 'dist-tags': { latest: '1.2.3' }, versions: { '1.2.3': version } };
    return { status: 200, body: JSON.stringify(document) };
  };
  const listener: RequestListener = ({ url = '/' }, response) => {
    asked.push(url);
    const { status, body } = answer(url);
    const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream';
    response.writeHead(status, { 'content-type': type }).end(body);
  };
  const server = certificate === undefined ? createServer(listener) : createTlsServer(certificate, listener);
  port = await listen(server, address);
  return { port, asked, close: async () => await close(server) };
}

async function packageTarball(name: string, version: string, main: string): Promise<Buffer> {
  const pack = tar.pack();
  pack.entry({ name: 'package/package.json' }, JSON.stringify({ name, version, main: 'index.js' }));
  pack.entry({ name: 'package/index.js' }, main);
  pack.finalize();
  return gzipSync(await buffer(pack));
}
