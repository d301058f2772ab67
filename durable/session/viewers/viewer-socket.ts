import { v7 as uuidV7 } from 'uuid';
import { CloseCode } from '../../../protocol/close-code.ts';
import { resolveRequest, type InteractionView, type ResolveRequest } from '../../../protocol/api/interaction.ts';
import { MAX_BODY_BYTES } from '../../../protocol/settings/limits.ts';
import type { InterruptAnswer } from '../../../protocol/api/message.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import { viewerFrame, type ViewerAnswer } from '../../../protocol/api/viewer-socket.ts';
import { parseJson } from '../../shared/json.ts';
import type { PromptInput } from '../../rpc/session-rpc.ts';
import type { Viewers } from './viewers.ts';

/** What a viewer's frames may set off. */
interface ViewerActions {
  readonly viewers: Viewers;
  prompt(input: PromptInput): { message_id: string } | Refusal;
  interrupt(): InterruptAnswer;
  resolve(id: string, request: ResolveRequest): InteractionView | Refusal;
}

/** Takes what viewers send. What does not fit is answered with an `error` frame; the socket stays open. */
export class ViewerSocket {
  readonly #actions: ViewerActions;

  constructor(actions: ViewerActions) {
    this.#actions = actions;
  }

  receive(socket: WebSocket, message: string | ArrayBuffer): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    const text = typeof message === 'string' ? message : new TextDecoder().decode(message);
    // A UTF-16 unit is at least one byte, so this catches what is surely too long without counting.
    if (text.length > MAX_BODY_BYTES) return socket.close(CloseCode.tooLarge, `a frame holds ${MAX_BODY_BYTES} bytes`);
    const json = parseJson(text);
    if (json === undefined) return answer(socket, fault('invalid_json', 'The frame is not JSON.'));
    const parsed = viewerFrame.safeParse(json);
    if (!parsed.success) {
      const said = parsed.error.issues.map(({ path, message: what }) => `${path.join('.') || 'frame'}: ${what}`);
      return answer(
        socket,
        fault('invalid_request', `Send prompt, interrupt, resolve, ping or ack. ${said.join('; ')}`),
      );
    }
    const frame = parsed.data;
    switch (frame.type) {
      case 'ping':
        return answer(socket, { type: 'pong', time: new Date().toISOString() });
      case 'ack':
        return this.#actions.viewers.acknowledge(socket, frame.seq);
      case 'interrupt':
        if (this.#actions.interrupt().interrupted) return;
        return answer(socket, fault('nothing_to_interrupt', 'No turn is running.'));
      case 'resolve': {
        const { type: _, interaction_id, ...said } = frame;
        const request = resolveRequest.safeParse(said);
        if (!request.success) {
          return answer(socket, fault('invalid_request', 'Send an answer, or a decision with or without a message.'));
        }
        const resolved = this.#actions.resolve(interaction_id, request.data);
        if ('refused' in resolved) return answer(socket, fault(resolved.refused, resolved.detail));
        return answer(socket, { type: 'resolved', interaction_id });
      }
      case 'prompt': {
        const { prompt, timeout_seconds, ref } = frame;
        const input = { message_id: uuidV7(), prompt, timeout_seconds, idempotency_key: undefined };
        const accepted = this.#actions.prompt(input);
        if ('refused' in accepted) return answer(socket, fault(accepted.refused, accepted.detail));
        return answer(socket, { type: 'accepted', ...accepted, ...(ref === undefined ? {} : { ref }) });
      }
    }
  }
}

const fault = (code: string, detail: string): ViewerAnswer => ({ type: 'error', code, detail });

function answer(socket: WebSocket, frame: ViewerAnswer): void {
  socket.send(JSON.stringify(frame));
}
