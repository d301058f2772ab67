import { useState } from 'preact/hooks';
import type { Interaction } from '../../client/main.ts';
import { Button } from '../ui/button.tsx';
import { Loading } from '../ui/empty-state.tsx';
import { TextArea } from '../ui/field.tsx';
import { answerState, sendAnswer } from './answer/answering.ts';
import { draftOf, setDraft } from './answer/drafts.ts';
import { ToolInput } from './asked/tool-input.tsx';
import type { Whole } from './asked/use-whole.ts';
import { toolView } from './asked/tool-view.ts';

type Permission = Extract<Interaction['subject'], { kind: 'permission' }>;

interface PermissionFormProps {
  readonly asked: Interaction;
  readonly permission: Permission;
  readonly whole: Whole;
}

/** What an agent wants to do, and the decision. */
export function PermissionForm({ asked, permission, whole }: PermissionFormProps) {
  const subject = whole.kind === 'whole' && whole.subject.kind === 'permission' ? whole.subject : permission;
  const view = toolView(permission.tool_name, subject.input);
  return (
    <>
      {whole.kind === 'loading' && <Loading what="all of it" />}
      {whole.kind === 'failed' && (
        <p class="ask-problem" role="alert">
          All of it could not be loaded: {whole.reason} <Button onClick={whole.again}>Try again</Button>
        </p>
      )}
      {whole.kind === 'whole' && <Input asked={asked} permission={subject} />}
      <Decision
        asked={asked}
        words={view.isPlan ? PLAN : TOOL}
        canAllow={whole.kind === 'whole'}
        canAllowSession={permission.can_allow_session && !view.isPlan}
      />
    </>
  );
}

function Input({ asked, permission }: { readonly asked: Interaction; readonly permission: Permission }) {
  const view = toolView(permission.tool_name, permission.input);
  if (view.parts.length > 0) return <ToolInput view={view} />;
  return (
    <p class="ask-note">
      {withoutInput(permission)} <a href={`/sessions/${asked.session_id}`}>The session’s log</a> has what was before.
    </p>
  );
}

function withoutInput({ tool_name, input }: Permission): string {
  if (input === null) return 'Its input is too long to be shown here.';
  return tool_name === 'ExitPlanMode' ? 'It has written no plan.' : 'It comes without any input.';
}

const TOOL = { allow: 'Allow', deny: 'Deny', reason: 'Deny with a message' };
const PLAN = { allow: 'Approve', deny: 'Keep planning', reason: 'Say what to change' };

interface DecisionProps {
  readonly asked: Interaction;
  readonly words: typeof TOOL;
  readonly canAllow: boolean;
  readonly canAllowSession: boolean;
}

/** Deny stands at one side and what allows at the other, so that neither is pressed for the other. */
function Decision({ asked, words, canAllow, canAllowSession }: DecisionProps) {
  const { interaction_id: id } = asked;
  const state = answerState(id).value;
  const draft = draftOf(id);
  const [isOpen, setOpen] = useState(draft.value.reason !== '');
  const isSending = state.kind === 'sending';
  const busy = (name: string) => state.kind === 'sending' && state.pressed === name;
  const decide = (decision: 'allow' | 'allow_session' | 'deny') => {
    const message = decision === 'deny' && isOpen ? draft.value.reason.trim() : '';
    void sendAnswer(asked, { decision, ...(message !== '' && { message }) }, decision);
  };
  return (
    <>
      {isOpen && (
        <TextArea
          label="Message to the agent"
          value={draft.value.reason}
          onInput={(reason) => setDraft(id, { ...draft.value, reason })}
          onEnter={() => decide('deny')}
          maxLength={8000}
          placeholder={words === PLAN ? 'What the plan lacks' : 'Why not, or what to do instead'}
        />
      )}
      <div class="ask-decision">
        <Button disabled={isSending && !busy('deny')} busy={busy('deny')} onClick={() => decide('deny')}>
          {words.deny}
        </Button>
        <span class="ask-decision-gap" />
        {canAllowSession && (
          <Button
            class="ask-decision-session"
            disabled={!canAllow || (isSending && !busy('allow_session'))}
            busy={busy('allow_session')}
            onClick={() => decide('allow_session')}
          >
            Allow for this session
          </Button>
        )}
        <Button
          kind="primary"
          disabled={!canAllow || (isSending && !busy('allow'))}
          busy={busy('allow')}
          onClick={() => decide('allow')}
        >
          {words.allow}
        </Button>
      </div>
      {!isOpen && (
        <button type="button" class="ask-more" onClick={() => setOpen(true)}>
          {words.reason}…
        </button>
      )}
    </>
  );
}
