import { Select, TextArea, TextField } from '../../ui/field.tsx';
import { MODELS, PERMISSION_MODES, type PermissionMode } from '../../session/settings/choices.ts';
import type { Field, Files, Form, Problems } from './form.ts';
import type { Environments } from './use-environments.ts';

const DEVCONTAINER = 'devcontainer';

interface PartProps {
  readonly form: Form;
  readonly problems: Problems['fields'];
  readonly set: <F extends Field>(field: F, value: Form[F]) => void;
}

/** Which machine, which model, what it may do and spend. */
export function Machine({ form, problems, set, environments }: PartProps & { readonly environments: Environments }) {
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
      <TextField
        label="Model"
        value={form.model}
        offers={MODELS}
        placeholder="Claude Code’s own default"
        onInput={(value) => set('model', value)}
        error={problems.model}
      />
      <Select<PermissionMode>
        label="Permissions"
        value={form.mode}
        options={PERMISSION_MODES}
        onChange={(value) => set('mode', value)}
        error={problems.mode}
        hint={mode?.means}
      />
      <TextField
        label="Budget"
        value={form.budget}
        inputMode="decimal"
        placeholder="No limit"
        onInput={(value) => set('budget', value)}
        error={problems.budget}
        hint="US dollars, with all that it begins. It pauses when that is spent."
      />
    </div>
  );
}

const FILES: readonly { readonly value: Files; readonly label: string }[] = [
  { value: 'new', label: 'A folder of its own' },
  { value: 'kept', label: 'A workspace that is kept' },
  { value: 'copy', label: 'A copy of a kept workspace' },
];

/** Where it works. */
export function Workspace({ form, problems, set }: PartProps) {
  return (
    <div class="new-columns">
      <Select<Files>
        label="Files"
        value={form.files}
        options={FILES}
        onChange={(value) => set('files', value)}
        error={problems.files}
      />
      {form.files !== 'new' && (
        <TextField
          label="Workspace’s name"
          value={form.workspaceId}
          placeholder={form.files === 'kept' ? 'A new one by itself' : 'my-project'}
          onInput={(value) => set('workspaceId', value)}
          error={problems.workspaceId}
        />
      )}
      {form.files !== 'copy' && (
        <>
          <TextField
            label="Repository"
            value={form.repo}
            placeholder="owner/name, or an address"
            onInput={(value) => set('repo', value)}
            error={problems.repo}
          />
          <TextField
            label="Branch"
            value={form.branch}
            placeholder="The repository’s default"
            onInput={(value) => set('branch', value)}
            error={problems.branch}
          />
        </>
      )}
    </div>
  );
}

/** What few need. */
export function Further({ form, problems, set }: PartProps) {
  return (
    <>
      <div class="new-columns">
        <TextField
          label="Title"
          value={form.title}
          maxLength={200}
          placeholder="The prompt’s first line"
          onInput={(value) => set('title', value)}
        />
        <TextField
          label="Network presets"
          value={form.presets}
          offers={['packages', 'github', 'packages, github', 'open']}
          placeholder="As the operator has set"
          onInput={(value) => set('presets', value)}
          error={problems.presets}
        />
        <TextField
          label="Hosts that it may reach"
          value={form.hosts}
          placeholder="docs.example.org, *.example.com"
          onInput={(value) => set('hosts', value)}
          error={problems.hosts}
        />
        <TextField
          label="Secrets"
          value={form.secrets}
          placeholder="Names, with commas between"
          onInput={(value) => set('secrets', value)}
          error={problems.secrets}
          hint="By the operator’s names. The agent never sees what they are."
        />
        <TextField
          label="Model calls that a message may take"
          value={form.maxTurns}
          inputMode="numeric"
          placeholder="100"
          onInput={(value) => set('maxTurns', value)}
          error={problems.maxTurns}
        />
        <TextField
          label="Minutes that it waits for an answer"
          value={form.answerMinutes}
          inputMode="decimal"
          placeholder="As the operator has set"
          onInput={(value) => set('answerMinutes', value)}
          error={problems.answerMinutes}
        />
        <TextField
          label="Minutes idle until it is parked"
          value={form.idleMinutes}
          inputMode="decimal"
          placeholder="As the operator has set"
          onInput={(value) => set('idleMinutes', value)}
          error={problems.idleMinutes}
        />
        <TextField
          label="Minutes that a container may live"
          value={form.lifeMinutes}
          inputMode="decimal"
          placeholder="As the operator has set"
          onInput={(value) => set('lifeMinutes', value)}
          error={problems.lifeMinutes}
        />
      </div>
      <TextArea
        label="Standing instructions"
        value={form.instructions}
        placeholder="What holds for every message of this session"
        onInput={(value) => set('instructions', value)}
        error={problems.instructions}
      />
    </>
  );
}

/** Which fields are in `Further`: it opens when one of them does not fit, or has something. */
export const FURTHER: readonly Field[] = [
  'title',
  'presets',
  'hosts',
  'secrets',
  'maxTurns',
  'answerMinutes',
  'idleMinutes',
  'lifeMinutes',
  'instructions',
];
