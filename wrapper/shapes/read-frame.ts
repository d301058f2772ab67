import type { SessionFrame, WrapperCommand } from '../../protocol/link/wrapper/wrapper-link.ts';
import { COMMAND_SHAPES, FRAME_SHAPES } from './session-frame-shape.ts';
import { problemWith } from './shape.ts';

/** False: a command of an edge that is newer than this wrapper. It is taken like any other, and nothing is done. */
export const isKnownCommand = (command: { readonly command: string }): command is WrapperCommand =>
  Object.hasOwn(COMMAND_SHAPES, command.command);

/**
 * Reads a frame of the session: what this wrapper does not know of it is passed over, because the runner may be newer.
 * @returns `unknown`: all of it is; null: it is no frame of any version
 */
export function readSessionFrame(json: unknown): SessionFrame | 'unknown' | null {
  if (typeof json !== 'object' || json === null || !('kind' in json) || typeof json.kind !== 'string') return null;
  if (!Object.hasOwn(FRAME_SHAPES, json.kind)) return 'unknown';
  return isFrame(json, json.kind) && isCommandRight(json) ? json : null;
}

function isFrame(json: object, kind: string): json is SessionFrame {
  const shape = FRAME_SHAPES[kind];
  return shape !== undefined && problemWith(json, shape, { exact: false }) === null;
}

function isCommandRight(frame: SessionFrame): boolean {
  if (frame.kind !== 'command' || !isKnownCommand(frame.command)) return true;
  const shape = COMMAND_SHAPES[frame.command.command];
  return shape !== undefined && problemWith(frame.command, shape, { exact: false }) === null;
}
