import type { NoticeItem, Tone } from '../item.ts';

/** A line of the log. */
export type Notice = Pick<NoticeItem, 'tone' | 'text'> & Partial<Pick<NoticeItem, 'detail' | 'sessionId'>>;

export const line = (tone: Tone, text: string, detail: string | null = null): Notice => ({ tone, text, detail });
