import type { WrapperCommand } from '../../../protocol/link/wrapper/wrapper-link.ts';
import type { EndName, Said } from './case.ts';
import type { Wire } from './wire.ts';

/** An end under test, as the player of a case sees it. */
interface End {
  readonly name: EndName;
  /** Makes a connection between the end and the test. Of a container side: waits until it connects, and lets it. */
  connect(): Promise<Wire>;
}

/** An end that sends items and takes commands. Each method settles when the end has seen what happened. */
export interface ContainerEnd extends End {
  readonly side: 'container';
  /** The commands that Claude Code was given. The last one may wait for `handOn`. */
  readonly given: readonly WrapperCommand[];
  /** What is said has lines instead of words. */
  says(lines: readonly Said[]): Promise<void>;
  /** Claude Code has got command `number`. */
  handOn(number: number): Promise<void>;
  /** The runner has a notice of its own. */
  notices(word: string): Promise<void>;
  /** Settles when the end has got `go`. */
  wentOn(): Promise<void>;
  /** Settles when the end will never connect again. */
  gaveUp(): Promise<void>;
}

/** An end that stores items and gives commands. */
export interface SessionEnd extends End {
  readonly side: 'session';
  orders(command: 'prompt' | 'interrupt'): Promise<WrapperCommand>;
  letsGo(): Promise<void>;
  nextEpoch(): Promise<void>;
  /** Ends the end's process, and starts another. */
  restart(): Promise<void>;
  /** The words of the lines that are stored. */
  stored(): Promise<string[]>;
  /** The words of the runner's notices that are stored. */
  storedNotices(): Promise<string[]>;
  /** The words of lines and previews, up to this one, in the order in which viewers saw them. */
  shown(last: string): Promise<string[]>;
}
