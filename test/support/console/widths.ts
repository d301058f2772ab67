import type { BrowserContextOptions } from 'playwright-core';

/** What people hold: a phone that is touched, and a desk's screen with a mouse. */
export const WIDTHS = {
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  desk: { viewport: { width: 1280, height: 800 } },
} as const satisfies Readonly<Record<string, BrowserContextOptions>>;

export type Width = keyof typeof WIDTHS;
