import type { Interaction } from '../../client/main.ts';
import type { Fields } from './fields.ts';

/**
 * What the log shows, one thing a line or a card. An item never changes: another one takes its place under the same `key`.
 *
 * All text in it may be an agent's: show it by the components of `console/safe/` alone.
 */
export type Item =
  | PromptItem
  | TextItem
  | ThinkingItem
  | ToolItem
  | InteractionItem
  | BeginItem
  | TurnItem
  | NoticeItem
  | GapItem
  | UnknownItem
  | PreviewItem;

interface Placed {
  /** Names it for as long as it lives: `e12`, `e12.1` for the second one of event 12, `q…` while a message waits, `p…` for a preview. */
  readonly key: string;
  /** `seq` of the event that put it here; null: no event has yet. */
  readonly seq: number | null;
  /** ISO 8601. */
  readonly time: string;
}

/** What a person, or another program, has said to the agent. */
export interface PromptItem extends Placed {
  readonly kind: 'prompt';
  readonly messageId: string;
  /** As text; of blocks, with images and documents named in their places. Empty: it came before what is loaded. */
  readonly text: string;
  /**
   * `queued`: its turn has not begun. `processing`: a turn answers it. `held`: it waits for a usage limit. `withdrawn`: it was taken back
   * before its turn began.
   */
  readonly state: 'queued' | 'processing' | 'held' | 'completed' | 'failed' | 'interrupted' | 'withdrawn';
  /** It went into a turn that ran already. */
  readonly isSteered: boolean;
  /** The agent has sent it to itself: a wake-up. */
  readonly isWakeup: boolean;
  /** Subagents that it began still run. */
  readonly isUnsettled: boolean;
  /** Why it failed. */
  readonly error: string | null;
  /** When its usage limit is reset, ISO 8601. */
  readonly retryAt: string | null;
}

/** What the agent says. */
export interface TextItem extends Placed {
  readonly kind: 'text';
  readonly text: string;
  /** The turn was interrupted within it. */
  readonly isCut: boolean;
}

/** What the agent thinks. */
export interface ThinkingItem extends Placed {
  readonly kind: 'thinking';
  /** Empty: the model does not show it. */
  readonly text: string;
  readonly ms: number | null;
}

/** Work of a tool that goes on beside the conversation, or a subagent. */
export interface ToolTask {
  readonly id: string;
  readonly status: 'running' | 'completed' | 'failed' | 'stopped';
  /** It goes on when the tool's call has ended. */
  readonly isBackground: boolean;
  /** What it does now, or has come to. */
  readonly summary: string | null;
}

/** What a tool gave back. */
export interface ToolResult {
  /** `seq` of the event. */
  readonly seq: number;
  /** Text and images, as content blocks of Claude's API. */
  readonly blocks: readonly Fields[];
  readonly isError: boolean;
  /** What Claude Code knows of it besides (`tool_use_result`); empty: nothing. */
  readonly details: Fields;
}

/** A call of a tool: input, result, and what a subagent did in it. */
export interface ToolItem extends Placed {
  readonly kind: 'tool';
  readonly toolId: string;
  readonly name: string;
  readonly input: Fields;
  /** Null: there is none yet. */
  readonly result: ToolResult | null;
  readonly task: ToolTask | null;
  /** The turn ended before there was a result. */
  readonly isStopped: boolean;
  /** When its result came, ISO 8601. */
  readonly endedAt: string | null;
  /** What the subagent does that it began. */
  readonly children: readonly Item[];
}

/** A question or a permission that waits, or waited, for a person. */
export interface InteractionItem extends Placed {
  readonly kind: 'interaction';
  readonly interactionId: string;
  /** Null: it came before what is loaded. */
  readonly subject: Interaction['subject'] | null;
  readonly priority: Interaction['priority'];
  /** ISO 8601. */
  readonly deadline: string | null;
  readonly state: 'open' | 'resolved' | 'expired' | 'withdrawn';
  readonly resolvedBy: string | null;
  readonly resolution: Interaction['resolution'];
}

/** The agent begins a turn itself. */
export interface BeginItem extends Placed {
  readonly kind: 'begin';
  readonly turnId: string;
}

/** A turn has ended. */
export interface TurnItem extends Placed {
  readonly kind: 'turn';
  readonly status: 'completed' | 'failed' | 'interrupted';
  /** Ids of the messages that it answered, and of a turn that the agent began itself. */
  readonly ids: readonly string[];
  readonly error: string | null;
  readonly figures: TurnFigures | null;
  /** How often each tool was called, by name. */
  readonly tools: ReadonlyMap<string, number>;
}

export interface TurnFigures {
  readonly ms: number | null;
  readonly costUsd: number | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Read from the model's cache; not in `inputTokens`. */
  readonly cachedTokens: number;
}

export type Tone = 'quiet' | 'info' | 'good' | 'warn' | 'bad';

/** What became of the session, its files, its children, its machine. */
export interface NoticeItem extends Placed {
  readonly kind: 'notice';
  readonly type: string;
  readonly tone: Tone;
  readonly text: string;
  /** More of it, folded: what a command wrote, a list of files. */
  readonly detail: string | null;
  /** Another session that it is about. */
  readonly sessionId: string | null;
}

/** Events that are no longer stored. */
export interface GapItem extends Placed {
  readonly kind: 'gap';
  readonly from: number;
  readonly to: number;
}

/** What this version has no picture of: JSON. */
export interface UnknownItem extends Placed {
  readonly kind: 'unknown';
  readonly type: string;
  readonly data: Fields;
}

/** What the agent writes just now. The message that follows takes its place. */
export interface PreviewItem extends Placed {
  readonly kind: 'preview';
  readonly block: 'text' | 'thinking' | 'tool';
  /** Of a tool, what there is of its input's JSON. */
  readonly text: string;
  /** Of a tool. */
  readonly name: string | null;
}
