import * as z from 'zod';
import {
  type InteractionSubject,
  MAX_SHOWN_INPUT,
  type Question,
  type Resolution,
} from '../../protocol/api/interaction.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper-notice.ts';

/** What Claude Code asks before it uses a tool: its `can_use_tool`. */
export const permissionRequest = z.object({
  request_id: z.string(),
  request: z.object({
    subtype: z.literal('can_use_tool'),
    tool_name: z.string(),
    input: z.record(z.string(), z.unknown()),
    /** What would make it not ask again: rules, a mode. Handed back as they came, but for their destination. */
    permission_suggestions: z.array(z.looseObject({})).catch([]),
    tool_use_id: z.string().catch(''),
  }),
});
export type PermissionRequest = z.infer<typeof permissionRequest>;

/** The answer to one, as Claude Code takes it. */
export type PermissionAnswer =
  | { behavior: 'allow'; updatedInput: Record<string, unknown>; updatedPermissions?: object[] }
  | { behavior: 'deny'; message: string };

/** A line for `claude`'s standard input. */
export interface ControlResponse {
  type: 'control_response';
  response: { subtype: 'success'; request_id: string; response: PermissionAnswer };
}

const DENIED = 'The user denied this. Do not try to get round it: go on without it, or say what you would need it for.';
const NOT_ASKED =
  'This needs leave of a person, and in this session nobody is asked for it. Go on without it, or say what you would need it for.';
const UNANSWERED = 'Nobody answered. Go on with your best judgement, or say what you would need to know.';
const UNREADABLE = 'These questions cannot be shown. Ask one to four short ones, each with two to four options.';

/** The fields of Claude Code's `AskUserQuestion` that matter here. */
const askUserQuestion = z.object({
  questions: z
    .array(
      z.object({
        question: z.string().min(1),
        header: z.string().optional(),
        options: z
          .array(z.object({ label: z.string().min(1), description: z.string().optional() }))
          .max(25)
          .catch([]),
        multiSelect: z.boolean().catch(false),
      }),
    )
    .min(1)
    .max(8),
});
type AskedQuestions = z.infer<typeof askUserQuestion>['questions'];

interface Waiting {
  requestId: string;
  input: Record<string, unknown>;
  suggestions: object[];
  /** As Claude Code worded them; null: a permission. */
  questions: AskedQuestions | null;
}

/**
 * What `claude` waits for a person with. The session knows each by an id of the wrapper's; Claude Code's request, the tool's
 * input and the suggestions stay here. No I/O.
 */
export class Permissions {
  readonly #asks: boolean;
  #waiting = new Map<string, Waiting>();

  /** @param asks false: of this session nobody is asked for leave, only questions are. Claude Code asks all the same before it deletes a system's folder. */
  constructor(asks: boolean) {
    this.#asks = asks;
  }

  /** `claude` asks. What the session is told, or, of what nobody could be shown, what `claude` is answered at once. */
  asked({ request_id, request }: PermissionRequest, interactionId: string): WrapperNotice | ControlResponse {
    const { tool_name, input, tool_use_id, permission_suggestions: suggestions } = request;
    const asksQuestions = tool_name === 'AskUserQuestion';
    if (!asksQuestions && !this.#asks) return answer(request_id, { behavior: 'deny', message: NOT_ASKED });
    const parsed = asksQuestions ? askUserQuestion.safeParse(input) : null;
    if (parsed?.success === false) return answer(request_id, { behavior: 'deny', message: UNREADABLE });
    const questions = parsed?.data.questions ?? null;
    this.#waiting.set(interactionId, { requestId: request_id, input, suggestions, questions });
    return {
      notice: 'asked',
      interaction_id: interactionId,
      tool_use_id: clip(tool_use_id, 256),
      subject:
        questions === null
          ? permissionSubject(tool_name, input, suggestions)
          : { kind: 'question', questions: questions.map(shownQuestion) },
    };
  }

  /** `claude` takes its request back. Null: it was none of these, or has been answered. */
  cancelled(requestId: string): WrapperNotice | null {
    for (const [interaction_id, waiting] of this.#waiting) {
      if (waiting.requestId !== requestId) continue;
      this.#waiting.delete(interaction_id);
      return { notice: 'withdrawn', interaction_id };
    }
    return null;
  }

  /** It was decided: what `claude` is to be told. Null: nothing waits for it. */
  answer(interactionId: string, resolution: Resolution): ControlResponse | null {
    const waiting = this.#waiting.get(interactionId);
    return waiting === undefined ? null : answer(waiting.requestId, answerOf(waiting, resolution));
  }

  /** `claude` has been told. */
  answered(interactionId: string): void {
    this.#waiting.delete(interactionId);
  }
}

function answer(request_id: string, response: PermissionAnswer): ControlResponse {
  return { type: 'control_response', response: { subtype: 'success', request_id, response } };
}

/** Whatever does not fit what was asked allows nothing. */
function answerOf({ input, suggestions, questions }: Waiting, resolution: Resolution): PermissionAnswer {
  if (resolution.kind === 'answers') {
    if (questions === null || resolution.answers.length !== questions.length)
      return { behavior: 'deny', message: questions === null ? DENIED : UNANSWERED };
    const answers = questions.map((asked, i) => [asked.question, answerText(asked, resolution.answers[i] ?? '')]);
    return { behavior: 'allow', updatedInput: { ...input, answers: Object.fromEntries(answers) } };
  }
  if (resolution.decision === 'deny') return { behavior: 'deny', message: resolution.message ?? DENIED };
  // Allowed without an answer it would run, and tell the model that there was none.
  if (questions !== null) return { behavior: 'deny', message: resolution.message ?? UNANSWERED };
  const allow = { behavior: 'allow', updatedInput: input } as const;
  if (resolution.decision === 'allow' || suggestions.length === 0) return allow;
  // Their own destination can be a file in the repository.
  return { ...allow, updatedPermissions: suggestions.map((each) => ({ ...each, destination: 'session' })) };
}

function answerText({ options }: AskedQuestions[number], given: string | string[]): string {
  // What was shown may be shorter than what Claude Code knows it by.
  const whole = (text: string): string => options.find(({ label }) => clip(label, 200) === text)?.label ?? text;
  return (typeof given === 'string' ? [given] : given).map(whole).join(', ');
}

function permissionSubject(
  tool_name: string,
  input: Record<string, unknown>,
  suggestions: readonly object[],
): InteractionSubject {
  return {
    kind: 'permission',
    tool_name: clip(tool_name, 256),
    input: JSON.stringify(input).length > MAX_SHOWN_INPUT ? null : input,
    can_allow_session: suggestions.length > 0,
  };
}

function shownQuestion({ question, header, options, multiSelect }: AskedQuestions[number]): Question {
  return {
    question: clip(question, 8000),
    ...(header !== undefined && { header: clip(header, 64) }),
    options: options.map(({ label, description }) => ({
      label: clip(label, 200),
      ...(description !== undefined && { description: clip(description, 2000) }),
    })),
    multi_select: multiSelect,
    // Claude Code's own users are always offered "Other".
    free_text: true,
  };
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).toWellFormed();
}
