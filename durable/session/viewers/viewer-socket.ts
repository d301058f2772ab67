import { v7 as uuidV7 } from 'uuid';
import { CloseCode } from '../../../protocol/close-code.ts';
import {
  resolveRequest,
  type InteractionView,
  type ResolveRequest,
} from '../../../protocol/api/session/interaction.ts';
import { carriesBlocks } from '../../../protocol/content/blocks.ts';
import { issuesOf } from '../../../protocol/issues.ts';
import { PRICED_BYTES } from '../../../protocol/settings/bounds-settings.ts';
import type { EdgeSettings } from '../../../protocol/settings/edge-settings.ts';
import { MAX_BODY_BYTES, MAX_CONTENT_BYTES } from '../../../protocol/settings/limits.ts';
import type { InterruptAnswer } from '../../../protocol/api/session/message.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import {
  FRAME_SCOPES,
  viewerFrame,
  type ViewerAnswer,
  type ViewerFrame,
} from '../../../protocol/api/session/viewer-socket.ts';
import { parseJson } from '../../shared/json.ts';
import type { PromptInput } from '../../rpc/session/session-rpc.ts';
import { filled, type Bucket, type Rate } from '../../shared/token-bucket.ts';
import type { Viewers } from './viewers.ts';

/** Seconds' worth of frames that may come at once. */
const BURST_SECONDS = 10;

/** The actions that a viewer's frames can trigger. */
interface ViewerActions {
  readonly viewers: Viewers;
  prompt(input: PromptInput): { message_id: string } | Refusal | Promise<{ message_id: string } | Refusal>;
  interrupt(background: boolean): InterruptAnswer;
  resolve(id: string, request: ResolveRequest): InteractionView | Refusal;
  /** Someone has answered. @param address where they are; null: it is not known */
  answered(interactionId: string, address: string | null): void;
}

/** Handles the frames that viewers send. The answer to an invalid frame is an `error` frame; the socket stays open. */
export class ViewerSocket {
  readonly #actions: ViewerActions;
  readonly #rate: Rate;
  /** What each may still send. */
  readonly #buckets = new WeakMap<WebSocket, Bucket>();

  constructor(actions: ViewerActions, { VIEWER_FRAMES_PER_SECOND: perSecond }: EdgeSettings) {
    this.#actions = actions;
    this.#rate = { perSecond, burst: perSecond * BURST_SECONDS };
  }

  receive(socket: WebSocket, message: string | ArrayBuffer): void | Promise<void> {
    if (socket.readyState !== WebSocket.OPEN || this.#actions.viewers.closeIfExpired(socket, Date.now())) return;
    const length = typeof message === 'string' ? message.length : message.byteLength;
    if (this.#isTooMuch(socket, 1 + length / PRICED_BYTES)) {
      const reason = `more than ${this.#rate.perSecond} frames a second (VIEWER_FRAMES_PER_SECOND)`;
      return socket.close(CloseCode.tooMany, reason);
    }
    const text = typeof message === 'string' ? message : new TextDecoder().decode(message);
    // A UTF-16 unit is at least one byte, so a longer text is surely too large. This avoids counting bytes.
    if (text.length > MAX_CONTENT_BYTES) return closeTooLarge(socket);
    const json = parseJson(text);
    if (text.length > MAX_BODY_BYTES && !carriesBlocks(json)) return closeTooLarge(socket);
    if (json === undefined) return reply(socket, errorFrame('invalid_json', 'The frame is not JSON.'));
    const parsed = viewerFrame.safeParse(json);
    if (!parsed.success) {
      const issues = issuesOf(parsed.error).map(({ path, message: what }) => `${path || 'frame'}: ${what}`);
      return reply(
        socket,
        errorFrame('invalid_request', `Send prompt, interrupt, resolve, ping, pong or ack. ${issues.join('; ')}`),
      );
    }
    const frame = parsed.data;
    const scope = FRAME_SCOPES[frame.type];
    if (scope !== null && !this.#actions.viewers.mayUse(socket, scope)) {
      return reply(socket, errorFrame('scope_missing', `\`${frame.type}\` needs a token with the scope \`${scope}\`.`));
    }
    switch (frame.type) {
      case 'ping':
        return reply(socket, { type: 'pong', time: new Date().toISOString() });
      case 'pong':
        return;
      case 'ack':
        return this.#actions.viewers.acknowledge(socket, frame.seq);
      case 'interrupt':
        if (this.#actions.interrupt(frame.background).interrupted) return;
        return reply(socket, errorFrame('nothing_to_interrupt', 'No turn is running.'));
      case 'resolve': {
        const { type: _, interaction_id, ...rest } = frame;
        const request = resolveRequest.safeParse(rest);
        if (!request.success) {
          return reply(
            socket,
            errorFrame('invalid_request', 'Send an answer, or a decision with or without a message.'),
          );
        }
        const resolved = this.#actions.resolve(interaction_id, request.data);
        if ('refused' in resolved) return reply(socket, errorFrame(resolved.refused, resolved.detail));
        this.#actions.answered(interaction_id, this.#actions.viewers.addressOf(socket));
        return reply(socket, { type: 'resolved', interaction_id });
      }
      case 'prompt':
        return this.#prompt(socket, frame);
    }
  }

  async #prompt(socket: WebSocket, frame: Extract<ViewerFrame, { type: 'prompt' }>): Promise<void> {
    const { prompt, timeout_seconds, delivery, idempotency_key, ref } = frame;
    const traceparent = frame.traceparent ?? this.#actions.viewers.traceOf(socket);
    const input = { message_id: uuidV7(), prompt, timeout_seconds, delivery, idempotency_key, traceparent };
    const accepted = await this.#actions.prompt(input);
    if ('refused' in accepted) return reply(socket, errorFrame(accepted.refused, accepted.detail));
    return reply(socket, { type: 'accepted', ...accepted, ...(ref === undefined ? {} : { ref }) });
  }

  /** A frame of that price has come. All of it counts, so that who goes on has to stop for a while. */
  #isTooMuch(socket: WebSocket, price: number): boolean {
    if (this.#rate.perSecond === 0) return false;
    const { tokens, at } = filled(this.#buckets.get(socket) ?? null, this.#rate, Date.now());
    this.#buckets.set(socket, { tokens: tokens - price, at });
    return tokens < price;
  }
}

function closeTooLarge(socket: WebSocket): void {
  const reason = `a frame holds ${MAX_BODY_BYTES} bytes, and with images or documents ${MAX_CONTENT_BYTES}`;
  socket.close(CloseCode.tooLarge, reason);
}

const errorFrame = (code: string, detail: string): ViewerAnswer => ({ type: 'error', code, detail });

function reply(socket: WebSocket, frame: ViewerAnswer): void {
  // What the frame caused may have filled the connection, which closes it.
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}
