import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';
import type { TestCertificate } from '../net/certificate.ts';
import { close, listen } from '../net/listen.ts';

export interface AptRepository {
  readonly port: number;
  readonly tlsPort: number;
  close(): Promise<void>;
}

/**
 * A flat repository without signatures, by http and by https: `left-out` prints a line, and depends on `left-in`, a file in /usr/share.
 * A line for it: `deb [trusted=yes] http://HOST:PORT/ ./`.
 */
export async function startAptRepository(address: string, certificate: TestCertificate): Promise<AptRepository> {
  const packages = new Map([
    ['left-in', await debianPackage('left-in', '', { path: './usr/share/left-in', text: 'left in\n', mode: 0o644 })],
    [
      'left-out',
      await debianPackage('left-out', 'Depends: left-in\n', {
        path: './usr/bin/left-out',
        text: '#!/bin/sh\necho left out\n',
        mode: 0o755,
      }),
    ],
  ]);
  const index = [...packages].map(([name, { control, bytes }]) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return `${control}Filename: ./${name}.deb\nSize: ${bytes.length}\nSHA256: ${sha256}\n`;
  });
  const listener: RequestListener = ({ url = '/' }, response) => {
    const found = url.endsWith('/Packages')
      ? index.join('\n')
      : packages.get(/([^/]+)\.deb$/.exec(url)?.[1] ?? '')?.bytes;
    response.writeHead(found === undefined ? 404 : 200).end(found ?? 'not here');
  };
  const servers = [createServer(listener), createTlsServer(certificate, listener)] as const;
  const [port, tlsPort] = await Promise.all([listen(servers[0], address), listen(servers[1], address)]);
  return { port, tlsPort, close: async () => void (await Promise.all(servers.map(close))) };
}

/** Three files in an `ar`: deb(5). */
async function debianPackage(name: string, more: string, file: { path: string; text: string; mode: number }) {
  const control = `Package: ${name}\nVersion: 1.2.3\nArchitecture: all\nMaintainer: nobody <nobody@repository.test>\n${more}Description: ${name}\n`;
  const members: [string, Buffer][] = [
    ['debian-binary', Buffer.from('2.0\n')],
    ['control.tar.gz', await tarball('./control', control, 0o644)],
    ['data.tar.gz', await tarball(file.path, file.text, file.mode)],
  ];
  const archive = members.flatMap(([member, bytes]) => [
    `${member.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(bytes.length).padEnd(10)}\`\n`,
    bytes,
    bytes.length % 2 === 0 ? '' : '\n',
  ]);
  return { control, bytes: Buffer.concat([Buffer.from('!<arch>\n'), ...archive.map((part) => Buffer.from(part))]) };
}

async function tarball(path: string, text: string, mode: number): Promise<Buffer> {
  const pack = tar.pack();
  const folders = path.split('/').slice(1, -1);
  for (const [n] of folders.entries())
    pack.entry({ name: `./${folders.slice(0, n + 1).join('/')}/`, type: 'directory', mode: 0o755 });
  pack.entry({ name: path, mode }, text);
  pack.finalize();
  return gzipSync(await buffer(pack));
}
