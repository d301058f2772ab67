import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  readonly label: string;
  /** What fits, or what it does. */
  readonly hint?: ComponentChildren;
  /** What is wrong with it, from here or from the service. */
  readonly error?: string | undefined;
  /** Not to be seen, but said. */
  readonly hideLabel?: boolean;
}

interface Control {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': boolean;
}

/** A label, what is to be filled in (`children` makes it, with what ties it to the label), a hint and what is wrong. */
export function Field({
  label,
  hint,
  error,
  hideLabel = false,
  children,
}: FieldProps & { readonly children: (control: Control) => ComponentChildren }) {
  const id = useId();
  const described = [hint !== undefined && `${id}-hint`, error !== undefined && `${id}-error`]
    .filter(Boolean)
    .join(' ');
  return (
    <div class="ui-field">
      <label class={hideLabel ? 'visually-hidden' : 'ui-field-label'} for={id}>
        {label}
      </label>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': error !== undefined })}
      {error !== undefined && (
        <p id={`${id}-error`} class="ui-field-error" role="alert">
          {error}
        </p>
      )}
      {hint !== undefined && (
        <p id={`${id}-hint`} class="ui-field-hint">
          {hint}
        </p>
      )}
    </div>
  );
}

interface TextFieldProps extends FieldProps {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly placeholder?: string;
  readonly inputMode?: 'text' | 'decimal' | 'numeric' | 'search';
  readonly autoComplete?: string;
  /** What it may be, offered while typing; anything else fits too. */
  readonly offers?: readonly string[];
  readonly maxLength?: number;
}

/** One line of text. For another kind of input: `Field` with an `<input class="ui-input">` of your own. */
export function TextField({ label, hint, error, hideLabel, offers, onInput, ...input }: TextFieldProps) {
  const list = useId();
  return (
    <Field label={label} hint={hint} error={error} hideLabel={hideLabel ?? false}>
      {(control) => (
        <>
          <input
            type="text"
            autoComplete="off"
            {...input}
            {...control}
            {...(offers && { list })}
            class="ui-input"
            onInput={(event) => onInput(event.currentTarget.value)}
          />
          {offers && (
            <datalist id={list}>
              {offers.map((offer) => (
                <option key={offer} value={offer} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

interface TextAreaProps extends FieldProps {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly placeholder?: string;
  readonly maxLength?: number;
  /** With Ctrl or ⌘. */
  readonly onEnter?: () => void;
}

/** Several lines. It grows with what is in it. */
export function TextArea({ label, hint, error, hideLabel, onInput, onEnter, ...input }: TextAreaProps) {
  return (
    <Field label={label} hint={hint} error={error} hideLabel={hideLabel ?? false}>
      {(control) => (
        <textarea
          {...input}
          {...control}
          class="ui-input ui-textarea"
          onInput={(event) => onInput(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || onEnter === undefined) return;
            event.preventDefault();
            onEnter();
          }}
        />
      )}
    </Field>
  );
}

interface SelectProps<T extends string> extends FieldProps {
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly options: readonly { readonly value: T; readonly label: string }[];
}

/** One of a few. */
export function Select<T extends string>({ label, hint, error, hideLabel, value, onChange, options }: SelectProps<T>) {
  return (
    <Field label={label} hint={hint} error={error} hideLabel={hideLabel ?? false}>
      {(control) => (
        <select
          {...control}
          class="ui-input ui-select"
          value={value}
          onChange={(event) => {
            const chosen = options[event.currentTarget.selectedIndex];
            if (chosen !== undefined) onChange(chosen.value);
          }}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
