import { wrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import type { Shape } from './shape.ts';
import { shapeOf } from './shape-of.ts';

/** Of `launch.json`. The bundle holds the finished shape (scripts/bundle.ts). */
export const LAUNCH_SHAPE: Shape = shapeOf(wrapperLaunch);
