import { sessionFrame, wrapperCommand } from '../../protocol/link/wrapper/wrapper-link.ts';
import type { Shape } from './shape.ts';
import { shapeOf } from './shape-of.ts';

const shapes = Object.fromEntries(sessionFrame.options.map((option) => [option.shape.kind.value, shapeOf(option)]));

/** Of each kind of frame that a wrapper gets. Of a command, the name alone. The bundle holds the finished shapes (scripts/bundle.ts). */
export const FRAME_SHAPES: Readonly<Record<string, Shape>> = {
  ...shapes,
  command: {
    ...shapes['command'],
    properties: {
      ...shapes['command']?.properties,
      command: { type: 'object', properties: { command: { type: 'string', maxLength: 64 } }, required: ['command'] },
    },
  },
};

/** Of each command. */
export const COMMAND_SHAPES: Readonly<Record<string, Shape>> = Object.fromEntries(
  wrapperCommand.options.map((option) => [option.shape.command.value, shapeOf(option)]),
);
