import { expect, test } from 'vitest';
import { TerminalOutput } from '../../../../../durable/session/terminal/terminal-output.ts';
import { encodeFrame, encodeText, FrameKind } from '../../../../../protocol/link/terminal/terminal-frames.ts';

const TERMINAL = '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f';
const ready = (at = 0, tty = true) => encodeText({ type: 'ready', terminal: TERMINAL, at, input: 0, tty });
const output = (bytes: number, kind: 1 | 2 = FrameKind.output) => encodeFrame(kind, new Uint8Array(bytes));

/** What a container that says these gets as far as. */
function after(...said: Uint8Array[]) {
  const terminal = new TerminalOutput();
  return said.map((bytes) => terminal.take(bytes)?.map(({ is }) => is) ?? 'refused').at(-1);
}

test('a container that keeps to what was agreed is shown', () => {
  expect(after(ready(), output(10))).toEqual(['output']);
  expect(after(ready(0, false), output(10, FrameKind.error))).toEqual(['output']);
  expect(after(ready(), encodeText({ type: 'exit', code: 3, signal: null, at: 0 }))).toEqual(['report']);
  expect(after(encodeText({ type: 'error', code: 'replaced', detail: 'x' }))).toEqual(['error']);
});

test('one that does not is refused: output before it begins, a second beginning, other streams, no frames, no reports', () => {
  expect(after(output(1))).toBe('refused');
  expect(after(ready(), ready())).toBe('refused');
  expect(after(ready(), output(1, FrameKind.error))).toBe('refused');
  expect(after(ready(), encodeFrame(FrameKind.input, new Uint8Array(1)))).toBe('refused');
  expect(after(Uint8Array.of(9, 0, 0, 0, 0))).toBe('refused');
  expect(after(encodeFrame(FrameKind.text, new TextEncoder().encode('{"type":"exit","code":"zero"}')))).toBe('refused');
  expect(after(encodeFrame(FrameKind.text, new TextEncoder().encode('nonsense')))).toBe('refused');
});

test('it sends no more than its viewer has room for, whatever its viewer says to have read', () => {
  const terminal = new TerminalOutput();
  terminal.take(ready(1000));
  // A position that has not come is none.
  terminal.acknowledge(1e9);
  const sent: unknown[] = [];
  for (let block = 0; block < 10; block += 1) sent.push(terminal.take(output(64 * 1024)));
  expect(sent.findIndex((taken) => taken === null)).toBe(5);
  expect(terminal.at).toBeGreaterThan(1000);
});
