import { CcDocker } from '../../client/main.ts';
import type { Cli, CommonOptions } from '../lib/cli.ts';
import { explain } from '../lib/explain.ts';
import { chooseConnection, type Connection } from './connection.ts';

/** The service that a command is for, and the client of it. */
export interface Connected extends Connection {
  readonly cc: CcDocker;
}

/**
 * Does something with the service that the options name.
 *
 * @throws Failure in words for a person, for whatever the service or the network refuses
 */
export async function withService<T>(
  { env, signal }: Cli,
  { context }: CommonOptions,
  use: (connected: Connected) => Promise<T>,
): Promise<T> {
  const connection = chooseConnection(env, context);
  const { url, token } = connection;
  try {
    return await use({ ...connection, cc: new CcDocker({ url, token, signal }) });
  } catch (error) {
    signal.throwIfAborted();
    throw explain(error, url) ?? error;
  }
}
