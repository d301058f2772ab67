import type { RunnerNotice } from '../../../protocol/link/runner-notice.ts';
import type { WrapperCommand } from '../../../protocol/link/wrapper/wrapper-link.ts';
import type { LinkItem } from '../../../protocol/link/wrapper/wrapper-notice.ts';
import type { CaseFrame, Said } from './case.ts';

export const isPreview = <T>(said: T): said is Extract<T, { preview: string }> =>
  typeof said === 'object' && said !== null && 'preview' in said;

/** The line of Claude Code that a word stands for; a notice stands for itself. */
const itemOf = <Item extends LinkItem>(item: Item): Item | string =>
  typeof item === 'string' ? JSON.stringify({ type: 'system', word: item }) : item;

/** The preview that a word stands for. */
const previewOf = (word: string): string => JSON.stringify({ type: 'stream_event', word });

/** What is said, with the lines that its words stand for. */
export const linesOf = (said: readonly Said[]): Said[] =>
  said.map((one) => (isPreview(one) ? { preview: previewOf(one.preview) } : itemOf(one)));

/** The notice of the runner that a word stands for. */
export const noticeOf = (word: string): RunnerNotice => ({
  host_notice: 'egress',
  host: word,
  port: 443,
  verdict: 'allowed',
  rule: word,
  count: 1,
  bytes_sent: 0,
  bytes_received: 0,
});

/** The words of lines and previews; notices have none. */
export function wordsOf(items: readonly LinkItem[]): string[] {
  return items.filter((item) => typeof item === 'string').map((line) => JSON.parse(line).word);
}

/** The text of a case's frame. @param orders the commands that were ordered so far */
export function wireText(frame: CaseFrame, orders: readonly WrapperCommand[]): string {
  if ('raw' in frame) return frame.raw;
  if ('bytes' in frame) return 'x'.repeat(frame.bytes);
  return JSON.stringify(wireFrame(frame, orders));
}

function wireFrame(frame: Extract<CaseFrame, { kind: string }>, orders: readonly WrapperCommand[]): object {
  if (frame.kind === 'items') return { ...frame, items: frame.items.map(itemOf) };
  if (frame.kind === 'preview') return { ...frame, line: previewOf(frame.line) };
  if (frame.kind === 'host') return { ...frame, notices: frame.notices.map(noticeOf) };
  if (frame.kind === 'command') return { ...frame, command: orders[frame.number - 1] };
  return frame;
}
