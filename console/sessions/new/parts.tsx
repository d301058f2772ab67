import { Select } from '../../ui/field.tsx';
import { MODELS, PERMISSION_MODES, type PermissionMode } from '../../session/settings/choices.ts';
import type { Field, Files } from './form.ts';
import { Lines, Paragraph, type FormLine, type PartProps } from './form-fields.tsx';
import type { Environments } from './use-environments.ts';

const DEVCONTAINER = 'devcontainer';

const MODEL: FormLine = {
  field: 'model',
  label: 'Model',
  placeholder: 'Claude Code’s own default',
  offers: MODELS,
};

const BUDGET: FormLine = {
  field: 'budget',
  label: 'Budget',
  placeholder: 'No limit',
  hint: 'US dollars, with all that it begins. It pauses when that is spent.',
  inputMode: 'decimal',
};

/** Which machine, which model, what it may do and spend. */
export function Machine({ environments, ...part }: PartProps & { readonly environments: Environments }) {
  const { form, problems, set } = part;
  const names = environments.kind === 'loaded' ? environments.list : [];
  const options = [
    { value: '', label: 'None: the plain machine' },
    ...names.map(({ name, shared }) => ({ value: name, label: shared ? `${name} (shared)` : name })),
    { value: DEVCONTAINER, label: 'As its repository describes (devcontainer)' },
  ];
  // What was chosen before may be gone, or is not loaded yet: it is not changed behind anyone's back.
  if (!options.some(({ value }) => value === form.environment))
    options.push({ value: form.environment, label: form.environment });
  const mode = PERMISSION_MODES.find(({ value }) => value === form.mode);
  return (
    <div class="new-columns">
      <Select
        label="Environment"
        value={form.environment}
        options={options}
        onChange={(value) => set('environment', value)}
        error={problems.environment ?? (environments.kind === 'failed' ? environments.reason : undefined)}
        hint={environments.kind === 'loading' ? 'Loading yours…' : undefined}
      />
      <Lines lines={[MODEL]} {...part} />
      <Select<PermissionMode>
        label="Permissions"
        value={form.mode}
        options={PERMISSION_MODES}
        onChange={(value) => set('mode', value)}
        error={problems.mode}
        hint={mode?.means}
      />
      <Lines lines={[BUDGET]} {...part} />
    </div>
  );
}

const FILES: readonly { readonly value: Files; readonly label: string }[] = [
  { value: 'new', label: 'A folder of its own' },
  { value: 'kept', label: 'A workspace that is kept' },
  { value: 'copy', label: 'A copy of a kept workspace' },
];

const REPOSITORY: readonly FormLine[] = [
  { field: 'repo', label: 'Repository', placeholder: 'owner/name, or an address' },
  { field: 'branch', label: 'Branch', placeholder: 'The repository’s default' },
];

/** Where it works. */
export function Workspace(part: PartProps) {
  const { form, problems, set } = part;
  const name: FormLine = {
    field: 'workspaceId',
    label: 'Workspace’s name',
    placeholder: form.files === 'kept' ? 'A new one by itself' : 'my-project',
  };
  return (
    <div class="new-columns">
      <Select<Files>
        label="Files"
        value={form.files}
        options={FILES}
        onChange={(value) => set('files', value)}
        error={problems.files}
      />
      {form.files !== 'new' && <Lines lines={[name]} {...part} />}
      {form.files !== 'copy' && <Lines lines={REPOSITORY} {...part} />}
    </div>
  );
}

const FURTHER_LINES: readonly FormLine[] = [
  { field: 'title', label: 'Title', placeholder: 'The prompt’s first line', maxLength: 200 },
  {
    field: 'presets',
    label: 'Network presets',
    placeholder: 'As the operator has set',
    offers: ['packages', 'github', 'packages, github', 'open'],
  },
  { field: 'hosts', label: 'Hosts that it may reach', placeholder: 'docs.example.org, *.example.com' },
  {
    field: 'secrets',
    label: 'Secrets',
    placeholder: 'Names, with commas between',
    hint: 'By the operator’s names. The agent never sees what they are.',
  },
  { field: 'maxTurns', label: 'Model calls that a message may take', placeholder: '100', inputMode: 'numeric' },
  minutes('answerMinutes', 'Minutes that it waits for an answer'),
  minutes('idleMinutes', 'Minutes idle until it is parked'),
  minutes('lifeMinutes', 'Minutes that a container may live'),
];

function minutes(field: FormLine['field'], label: string): FormLine {
  return { field, label, placeholder: 'As the operator has set', inputMode: 'decimal' };
}

/** What few need. */
export function Further(part: PartProps) {
  return (
    <>
      <div class="new-columns">
        <Lines lines={FURTHER_LINES} {...part} />
      </div>
      <Paragraph
        field="instructions"
        label="Standing instructions"
        placeholder="What holds for every message of this session"
        {...part}
      />
    </>
  );
}

/** Which fields are in `Further`: it opens when one of them does not fit, or has something. */
export const FURTHER: readonly Field[] = [...FURTHER_LINES.map(({ field }) => field), 'instructions'];
