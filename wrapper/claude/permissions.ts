import * as z from 'zod';
import {
  type AskingAgent,
  type InteractionSubject,
  MAX_PREVIEW,
  MAX_SHOWN_INPUT,
  type Question,
  type Resolution,
} from '../../protocol/api/session/interaction.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { clip } from '../lib/clip.ts';
import { once } from '../lib/once.ts';

/** Claude Code's request before it uses a tool: `can_use_tool`. */
export const permissionRequest = once(() =>
  z.object({
    request_id: z.string(),
    request: z.object({
      subtype: z.literal('can_use_tool'),
      tool_name: z.string(),
      input: z.record(z.string(), z.unknown()),
      /** Rules or a mode with which it would not ask again. Returned as they came, except for their destination. */
      permission_suggestions: z.array(z.looseObject({})).catch([]),
      tool_use_id: z.string().catch(''),
      /** The subagent that asks. Absent: the main agent does. */
      agent_id: z.string().optional().catch(undefined),
    }),
  }),
);
export type PermissionRequest = z.infer<ReturnType<typeof permissionRequest>>;

/** The answer to such a request, in Claude Code's form. */
type PermissionAnswer =
  | { behavior: 'allow'; updatedInput: Record<string, unknown>; updatedPermissions?: object[] }
  | { behavior: 'deny'; message: string };

/** A line for `claude`'s standard input. */
export interface ControlResponse {
  type: 'control_response';
  response: { subtype: 'success'; request_id: string; response: PermissionAnswer };
}

const DENIED = 'The user denied this. Do not try to get round it: go on without it, or say what you would need it for.';
const NOT_ASKED =
  'This needs the permission of a person, and in this session nobody is asked for it. Go on without it, or say what you would need it for.';
const UNANSWERED = 'Nobody answered. Go on with your best judgement, or say what you would need to know.';
const UNREADABLE = 'These questions cannot be shown. Ask one to four short ones, each with two to four options.';

/** The fields of Claude Code's `AskUserQuestion` that matter here. */
const askUserQuestion = once(() =>
  z.object({
    questions: z
      .array(
        z.object({
          question: z.string().min(1),
          header: z.string().optional(),
          options: z
            .array(
              z.object({
                label: z.string().min(1),
                description: z.string().optional(),
                preview: z.string().optional().catch(undefined),
              }),
            )
            .max(25)
            .catch([]),
          multiSelect: z.boolean().catch(false),
        }),
      )
      .min(1)
      .max(8),
  }),
);
type AskedQuestions = z.infer<ReturnType<typeof askUserQuestion>>['questions'];

interface PendingRequest {
  requestId: string;
  input: Record<string, unknown>;
  suggestions: object[];
  /** In Claude Code's own words; null: a permission. */
  questions: AskedQuestions | null;
}

/**
 * The requests of `claude` that wait for a person. The session knows each by the wrapper's interaction id. Claude Code's own
 * request id, the tool's input and the suggestions stay here. No I/O.
 */
export class Permissions {
  #permissionsAsked: boolean;
  #pending = new Map<string, PendingRequest>();

  /**
   * @param permissionsAsked false: people get this session's questions, but not its permissions. Claude Code asks even then
   *   before it deletes a system folder.
   */
  constructor(permissionsAsked: boolean) {
    this.#permissionsAsked = permissionsAsked;
  }

  /** People get this session's permissions from now on, or no longer. */
  ask(permissionsAsked: boolean): void {
    this.#permissionsAsked = permissionsAsked;
  }

  /**
   * `claude` makes a request. @returns the notice for the session; or, when no person can get it, the answer for
   * `claude`
   *
   * @param agent the subagent that asks; null: the main agent does
   */
  asked(
    { request_id, request }: PermissionRequest,
    interactionId: string,
    agent: AskingAgent | null,
  ): WrapperNotice | ControlResponse {
    const { tool_name, input, tool_use_id, permission_suggestions: suggestions } = request;
    const asksQuestions = tool_name === 'AskUserQuestion';
    if (!asksQuestions && !this.#permissionsAsked) return answer(request_id, { behavior: 'deny', message: NOT_ASKED });
    const parsed = asksQuestions ? askUserQuestion().safeParse(input) : null;
    if (parsed?.success === false) return answer(request_id, { behavior: 'deny', message: UNREADABLE });
    const questions = parsed?.data.questions ?? null;
    this.#pending.set(interactionId, { requestId: request_id, input, suggestions, questions });
    return {
      notice: 'asked',
      interaction_id: interactionId,
      tool_use_id: clip(tool_use_id, 256),
      subject:
        questions === null
          ? permissionSubject(tool_name, input, suggestions, agent)
          : { kind: 'question', questions: questions.map(shownQuestion) },
    };
  }

  /** `claude` withdraws a request. Null: it is not one of these, or it has been answered. */
  cancelled(requestId: string): WrapperNotice | null {
    for (const [interaction_id, pending] of this.#pending) {
      if (pending.requestId !== requestId) continue;
      this.#pending.delete(interaction_id);
      return { notice: 'withdrawn', interaction_id };
    }
    return null;
  }

  /** A person decided. @returns the answer for `claude`; null: no request waits for it */
  answer(interactionId: string, resolution: Resolution): ControlResponse | null {
    const pending = this.#pending.get(interactionId);
    return pending === undefined ? null : answer(pending.requestId, answerOf(pending, resolution));
  }

  /** `claude` has its answer. */
  answered(interactionId: string): void {
    this.#pending.delete(interactionId);
  }
}

function answer(request_id: string, response: PermissionAnswer): ControlResponse {
  return { type: 'control_response', response: { subtype: 'success', request_id, response } };
}

/** A resolution that does not fit the request denies it. */
function answerOf({ input, suggestions, questions }: PendingRequest, resolution: Resolution): PermissionAnswer {
  if (resolution.kind === 'answers') {
    if (questions === null || resolution.answers.length !== questions.length)
      return { behavior: 'deny', message: questions === null ? DENIED : UNANSWERED };
    const answers = questions.map((asked, i) => [asked.question, answerText(asked, resolution.answers[i] ?? '')]);
    const annotations = questions.flatMap((asked, i) => {
      const preview = chosenPreview(asked, resolution.answers[i] ?? '');
      return preview === null ? [] : [[asked.question, { preview }]];
    });
    return {
      behavior: 'allow',
      updatedInput: {
        ...input,
        answers: Object.fromEntries(answers),
        ...(annotations.length > 0 && { annotations: Object.fromEntries(annotations) }),
      },
    };
  }
  if (resolution.decision === 'deny') return { behavior: 'deny', message: resolution.message ?? DENIED };
  // Questions need answers: a plain "allow" would run the tool, and the model would read that nobody answered.
  if (questions !== null) return { behavior: 'deny', message: resolution.message ?? UNANSWERED };
  const allow = { behavior: 'allow', updatedInput: input } as const;
  if (resolution.decision === 'allow' || suggestions.length === 0) return allow;
  // The suggested destination can be a file in the repository: keep the rule to this session.
  return { ...allow, updatedPermissions: suggestions.map((each) => ({ ...each, destination: 'session' })) };
}

function answerText(asked: AskedQuestions[number], given: string | string[]): string {
  return (typeof given === 'string' ? [given] : given).map((text) => optionOf(asked, text)?.label ?? text).join(', ');
}

/** The preview of the one option that was chosen: Claude Code's own dialog returns it as well. Null: there is none. */
function chosenPreview(asked: AskedQuestions[number], given: string | string[]): string | null {
  const [only = '', ...others] = typeof given === 'string' ? [given] : given;
  return others.length > 0 ? null : (optionOf(asked, only)?.preview ?? null);
}

/** People may have seen a shortened label. Claude Code needs its own. */
function optionOf({ options }: AskedQuestions[number], text: string): AskedQuestions[number]['options'][number] | null {
  return options.find(({ label }) => clip(label, 200) === text) ?? null;
}

function permissionSubject(
  tool_name: string,
  input: Record<string, unknown>,
  suggestions: readonly object[],
  agent: AskingAgent | null,
): InteractionSubject {
  return {
    kind: 'permission',
    tool_name: clip(tool_name, 256),
    input: JSON.stringify(input).length > MAX_SHOWN_INPUT ? null : input,
    can_allow_session: suggestions.length > 0,
    agent,
  };
}

function shownQuestion({ question, header, options, multiSelect }: AskedQuestions[number]): Question {
  return {
    question: clip(question, 8000),
    ...(header !== undefined && { header: clip(header, 64) }),
    options: options.map(({ label, description, preview }) => ({
      label: clip(label, 200),
      ...(description !== undefined && { description: clip(description, 2000) }),
      ...(preview !== undefined && { preview: clip(preview, MAX_PREVIEW) }),
    })),
    multi_select: multiSelect,
    // Claude Code always offers its own users "Other".
    free_text: true,
  };
}
