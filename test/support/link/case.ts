import * as z from 'zod';
import { runnerNoticeFrame } from '../../../protocol/link/runner-notice.ts';
import { sessionFrame } from '../../../protocol/link/wrapper/wrapper-link.ts';
import { wrapperFrame, wrapperNotice } from '../../../protocol/link/wrapper/wrapper-notice.ts';

/**
 * The form of the conformance cases of the link protocol (`cases/*.json`). A case is what passes between a container side,
 * which sends items and takes commands, and a session side, which stores items and gives commands. The test of an end plays
 * the other side: it sends what the case says of that side, and expects of the end what the case says of its own.
 */

/** The ends that exist. The relay is the container side towards the session, and the session side towards the wrapper. */
export const ENDS = ['wrapper', 'relay as container', 'relay as session', 'session'] as const;
export type EndName = (typeof ENDS)[number];

const side = z.enum(['container', 'session']);
export type Side = z.infer<typeof side>;

/** Some of the ends, each with the reason why. */
const someEnds = z.partialRecord(z.enum(ENDS), z.string());

/** Stands for a line of Claude Code, a preview, or a notice of the runner. `on-the-wire.ts` has the text. */
const word = z.string();
const said = z.union([word, wrapperNotice, z.strictObject({ preview: word })]);
export type Said = z.infer<typeof said>;

/** The same word, so many times. */
const times = z
  .strictObject({ times: z.int().min(1), word })
  .transform(({ times: count, word: same }): string[] => Array.from({ length: count }, () => same));

/** What is no frame: this text, or so many bytes. */
const noFrame = z.union([z.strictObject({ raw: z.string() }), z.strictObject({ bytes: z.int() })]);

/** A frame as it is on the wire, with words for the lines in it. */
const containerFrame = z.union([
  wrapperFrame,
  z.strictObject({ kind: z.literal('items'), first: z.int().min(1), items: times }),
  z.strictObject({ ...runnerNoticeFrame.shape, notices: z.array(word).min(1) }),
  noFrame,
]);
/** The same of the other side. A command has its number alone: it is the one that was ordered as the `number`th. */
const frameOfSession = z.union([
  z.strictObject({ kind: z.literal('command'), number: z.int().min(1) }),
  sessionFrame,
  noFrame,
]);
export type CaseFrame = z.infer<typeof containerFrame> | z.infer<typeof frameOfSession>;

const transit = {
  /** Sent, but it never arrives. */
  lost: z.literal(true).optional(),
  /** No correct end sends this here. So the case is only for ends of the other side. */
  wrong: z.literal(true).optional(),
};

const step = z.union([
  // What is sent. A frame of the container begins a connection if there is none.
  // An end may divide its items into frames as it likes. `ack` and `taken` cover those before them: an end may also send
  // lower ones before, and the same one again.
  z.strictObject({ container: containerFrame, ...transit }),
  z.strictObject({ session: frameOfSession, ...transit }),

  // What happens to the connection.
  /** It breaks. Frames that were under way are listed before, as `lost`. */
  z.strictObject({ breaks: z.literal(true) }),
  /** It breaks, because the session side's process ends. A new one takes its place, and knows what was stored. */
  z.strictObject({ restarts: z.literal('session') }),
  /** The container connects anew, though the old connection still stands. The session side ends the old one. */
  z.strictObject({ replaces: z.literal(true) }),
  /**
   * This side ends the connection, because of what came last. `code`: the close code, where the connection is a WebSocket.
   * `for_good`: at these ends the container does not connect again, and their case is over.
   */
  z.strictObject({ refuses: side, code: z.int().optional(), for_good: someEnds.optional() }),

  // What happens at the container side.
  /** There is something new, at once if it is a list: items (lines of Claude Code, notices of the wrapper) and previews. */
  z.strictObject({ says: z.union([times, said, z.array(said)]) }),
  /** Claude Code has got this command. */
  z.strictObject({ hands_on: z.int().min(1) }),
  /** The container has got `go`, and goes on after its clone. */
  z.strictObject({ goes_on: z.literal(true) }),
  /** The runner has a new notice of its own. */
  z.strictObject({ notices: word }),

  // What happens at the session side.
  /** There is a new command. */
  z.strictObject({ orders: z.enum(['prompt', 'interrupt']) }),
  /** The runner lets the container go on after its clone. */
  z.strictObject({ lets_go: z.literal(true) }),
  /** The session has launched another container. */
  z.strictObject({ next_epoch: z.literal(true) }),
]);
export type Step = z.infer<typeof step>;

export const steps = z.array(step);

/**
 * An end sends what the case says of its side, in this order, and nothing else. So each case ends with one more item: it is
 * sent and acknowledged, and nothing comes before it.
 *
 * Always true at the end of a case:
 * - the session has stored what was said and the runner's notices, each once and in order;
 * - Claude Code has got the commands, each once and in order.
 */
export const linkCase = z.strictObject({
  /** What is proved, as a sentence. */
  name: z.string(),
  /** The steps of `openings.json` that come before these. */
  opening: z.enum(['greeted', 'ready']).optional(),
  steps,
  /** What the session has stored at the end, if that is not all that was said. */
  stored: z.array(word).optional(),
  /** What viewers have seen, previews included. */
  shown: z.array(word).optional(),
  /** The case does not hold for these ends. */
  except: someEnds.optional(),
});
export type LinkCase = z.infer<typeof linkCase>;
