const key = (sessionId: string) => `cc-docker.terminal.${sessionId}`;

/** The terminal of a session that this tab has; null: none. It is kept by the tab, so a reload comes back to it. */
export const keptTerminal = (sessionId: string): string | null => sessionStorage.getItem(key(sessionId));

export function keepTerminal(sessionId: string, terminalId: string): void {
  sessionStorage.setItem(key(sessionId), terminalId);
}

export function forgetTerminal(sessionId: string): void {
  sessionStorage.removeItem(key(sessionId));
}
