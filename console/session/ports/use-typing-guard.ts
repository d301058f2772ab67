import { useEffect, useRef, useState } from 'preact/hooks';

/** Where the person types beside a frame, and whether the page in it has tried to take their keys. */
interface TypingGuard {
  /** Somebody types elsewhere in the console: the frame is to be inert. */
  readonly isTyping: boolean;
  /** The page took the keyboard, and was taken out for it. */
  readonly hasStolen: boolean;
  /** The person has pressed the frame. */
  readonly use: () => void;
  /** The person wants the page back. */
  readonly forgive: () => void;
}

/**
 * Keeps the keys of a person who types into the console from the page in a frame beside it. Any page may take the focus at any moment,
 * and no attribute of a frame forbids that (`focus-without-user-activation` would; Chromium does not have it yet). So while somebody
 * types, the frame is inert: only a press on it, which is then seen here, brings the focus to it. A page that has the focus all the
 * same is taken out at once.
 */
export function useTypingGuard(frame: { readonly current: HTMLIFrameElement | null }): TypingGuard {
  const [isTyping, setIsTyping] = useState(isTextField(document.activeElement));
  const [hasStolen, setHasStolen] = useState(false);
  const field = useRef<HTMLElement | null>(null);
  useEffect(() => {
    const focused = ({ target }: FocusEvent) => {
      if (!(target instanceof Element) || target === frame.current) return;
      const isText = isTextField(target);
      field.current = isText ? target : null;
      // At once, not with the next drawing.
      if (isText && frame.current !== null) frame.current.inert = true;
      setIsTyping(isText);
    };
    const left = () => {
      if (frame.current?.inert !== true || document.activeElement !== frame.current) return;
      frame.current.remove();
      field.current?.focus();
      setHasStolen(true);
    };
    document.addEventListener('focusin', focused);
    window.addEventListener('blur', left);
    return () => {
      document.removeEventListener('focusin', focused);
      window.removeEventListener('blur', left);
    };
  }, [frame]);
  return {
    isTyping,
    hasStolen,
    use: () => {
      setIsTyping(false);
      if (frame.current === null) return;
      frame.current.inert = false;
      frame.current.focus();
    },
    forgive: () => setHasStolen(false),
  };
}

const TEXT_FIELDS = 'textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=file])';
const isTextField = (target: EventTarget | null): target is HTMLElement =>
  target instanceof HTMLElement && target.matches(TEXT_FIELDS);
