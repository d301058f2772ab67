import { TextArea, TextField } from '../../ui/field.tsx';
import type { Form, Problems } from './form.ts';

export interface PartProps {
  readonly form: Form;
  readonly problems: Problems['fields'];
  readonly set: <F extends keyof Form>(field: F, value: Form[F]) => void;
}

/** The fields of the form that are text. */
type TextName = { [F in keyof Form]: string extends Form[F] ? F : never }[keyof Form];

/** A field of the form that is one line of text, and how it is shown. */
export interface FormLine {
  readonly field: TextName;
  readonly label: string;
  readonly placeholder: string;
  readonly hint?: string;
  readonly offers?: readonly string[];
  readonly inputMode?: 'decimal' | 'numeric';
  readonly maxLength?: number;
}

/** Lines of text, each tied to its field of the form. */
export function Lines({ lines, form, problems, set }: PartProps & { readonly lines: readonly FormLine[] }) {
  return (
    <>
      {lines.map(({ field, ...shown }) => (
        <TextField
          key={field}
          {...shown}
          value={form[field]}
          onInput={(value) => set(field, value)}
          error={problems[field]}
        />
      ))}
    </>
  );
}

/** Several lines of text that are one field of the form. */
export function Paragraph({
  field,
  label,
  placeholder,
  form,
  problems,
  set,
}: PartProps & Pick<FormLine, 'field' | 'label' | 'placeholder'>) {
  return (
    <TextArea
      label={label}
      placeholder={placeholder}
      value={form[field]}
      onInput={(value) => set(field, value)}
      error={problems[field]}
    />
  );
}
