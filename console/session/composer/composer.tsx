import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Button, IconButton } from '../../ui/button.tsx';
import type { ViewProps } from '../view-props.ts';
import { ACCEPTED, problemsOf } from './attachment.ts';
import { Attachments } from './attachments.tsx';
import { DeliveryChoice } from './delivery-choice.tsx';
import { deliveryOf, whatSendingDoes } from './delivery.ts';
import { Outgoing } from './outgoing.ts';
import { WaitingMessages } from './waiting-messages.tsx';
import { WorkLine } from './work-line.tsx';
import './composer.css';

/** Writes to the session: prompts with files, what waits, and what to do with the turn that runs. */
export function Composer({ session, store }: ViewProps) {
  const outgoing = useMemo(() => new Outgoing(session), [session]);
  const field = useRef<HTMLTextAreaElement>(null);
  const isBusy = store.isBusy.value;
  const delivery = deliveryOf(isBusy, outgoing.delivery.value);
  const text = outgoing.text.value;
  const files = outgoing.files.value;
  const problems = problemsOf(text, files);
  const canSend = (text.trim() !== '' || files.length > 0) && problems.length === 0;
  const [isWriting, setIsWriting] = useState(false);
  const send = () => {
    if (canSend) void outgoing.send(delivery);
    field.current?.focus();
  };
  const isLive = store.line.value === 'live';
  // When the connection is back, not when it is there: else a call that fails beside a stream that holds would be made for ever.
  useEffect(() => {
    if (isLive && outgoing.isHeld.value) void outgoing.send(outgoing.delivery.value);
  }, [isLive]);
  useEffect(() => grow(field.current), [text]);
  const view = store.view.value;
  const does = whatSendingDoes(view?.status ?? null, view?.reason?.code ?? null);
  return (
    <form
      class="composer"
      aria-label="Write to the agent"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onFocusIn={() => setIsWriting(true)}
      onFocusOut={(event) => setIsWriting(event.currentTarget.contains(event.relatedTarget as Node | null))}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        outgoing.attach([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <WorkLine session={session} store={store} />
      <WaitingMessages session={session} store={store} outgoing={outgoing} />
      {does !== null && <p class="composer-note">{does}</p>}
      {isBusy && (isWriting || text !== '' || files.length > 0) && <DeliveryChoice outgoing={outgoing} />}
      <Attachments outgoing={outgoing} />
      {[...problems, outgoing.failure.value].map(
        (problem) =>
          problem !== null && (
            <p key={problem} class="composer-problem" role="alert">
              {problem}
            </p>
          ),
      )}
      <div class="composer-line">
        <FileButton outgoing={outgoing} />
        <textarea
          ref={field}
          class="ui-input composer-text"
          aria-label="Message"
          placeholder={isBusy ? 'Message' : 'What should it do?'}
          rows={1}
          value={text}
          readOnly={outgoing.isSending.value}
          enterkeyhint={isTouched() ? 'enter' : 'send'}
          onInput={(event) => outgoing.write(event.currentTarget.value)}
          onPaste={(event) => {
            const pasted = [...(event.clipboardData?.files ?? [])];
            if (pasted.length === 0) return;
            event.preventDefault();
            outgoing.attach(pasted);
          }}
          onKeyDown={(event) => {
            // The Enter that ends a word of an input method is not meant for us.
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing || isTouched()) return;
            event.preventDefault();
            send();
          }}
        />
        <Button kind="primary" type="submit" icon="send" busy={outgoing.isSending.value} disabled={!canSend}>
          <span class="composer-send">Send</span>
        </Button>
      </div>
    </form>
  );
}

function FileButton({ outgoing }: { readonly outgoing: Outgoing }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        accept={ACCEPTED}
        onChange={(event) => {
          outgoing.attach([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
      <IconButton icon="image" label="Attach images or documents" onClick={() => input.current?.click()} />
    </>
  );
}

/** A phone's keyboard has no Shift+Enter: there, Enter is a new line. */
const isTouched = () => matchMedia('(pointer: coarse)').matches;

/** As high as its text, where the browser does not do so by itself (`field-sizing`). */
function grow(field: HTMLTextAreaElement | null): void {
  if (field === null || CSS.supports('field-sizing', 'content')) return;
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight + 2}px`;
}
