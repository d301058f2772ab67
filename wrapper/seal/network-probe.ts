import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { NetworkTarget } from './network-targets.ts';

/** What has not answered by then is not reached, milliseconds. */
const ANSWER_MS = 2_000;

/** A question for the address of `example.com`, in DNS's form. */
const QUESTION = Buffer.from('cc0101000001000000000000076578616d706c6503636f6d0000010001', 'hex');

/** Tries all targets at once. @returns the names of those that answered, each once */
export async function whatAnswers(targets: readonly NetworkTarget[], answerMs = ANSWER_MS): Promise<string[]> {
  const answers = await Promise.all(
    targets.map(async (target) => ({
      name: target.name,
      isReached: await (target.by === 'tcp' ? connects(target, answerMs) : answersQuestion(target, answerMs)),
    })),
  );
  return [...new Set(answers.filter(({ isReached }) => isReached).map(({ name }) => name))];
}

/** A connection that is refused has reached somebody, too. Any other error says that the way there is closed. */
function connects({ host, port }: NetworkTarget, answerMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (isReached: boolean): void => {
      clearTimeout(late);
      socket.destroy();
      resolve(isReached);
    };
    const late = setTimeout(() => done(false), answerMs);
    socket.once('connect', () => done(true));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      done(error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET'),
    );
  });
}

function answersQuestion({ host, port }: NetworkTarget, answerMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const done = (isReached: boolean): void => {
      clearTimeout(late);
      socket.removeAllListeners();
      // A send that fails later has nobody to tell.
      socket.on('error', () => {});
      socket.close();
      resolve(isReached);
    };
    const late = setTimeout(() => done(false), answerMs);
    socket.once('message', () => done(true));
    // On its own loopback, the container refuses itself.
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code === 'ECONNREFUSED' && !isLoopback(host)));
    // Connected, so that a refusal (ICMP) is told. A callback would be called where there is no way to it, too.
    socket.once('connect', () => socket.send(QUESTION));
    socket.connect(port, host);
  });
}

const isLoopback = (host: string): boolean => host.startsWith('127.') || host === '::1';
