import type { PermissionDecision } from '../../../protocol/api/session/interaction.ts';

/** The interaction that a component belongs to. */
export interface ComponentOf {
  readonly session_id: string;
  readonly interaction_id: string;
}

/** What a component does. `question` and `option` count from 0. */
export type ComponentAct =
  | { readonly kind: 'option'; readonly question: number; readonly option: number }
  /** A menu. The chosen values come beside its id. */
  | { readonly kind: 'select'; readonly question: number }
  /** Opens the modal in which a text is typed. */
  | { readonly kind: 'other'; readonly question: number }
  /** That modal. */
  | { readonly kind: 'text'; readonly question: number }
  | { readonly kind: 'decision'; readonly decision: PermissionDecision }
  /** Sends the answers to several questions. */
  | { readonly kind: 'send' }
  /** Shows another page of the questions. */
  | { readonly kind: 'page'; readonly page: number };

export type ComponentId = ComponentOf & ComponentAct;

/** Marks our ids, and their format. Ids of an older format are not guessed. */
const PREFIX = 'cc1';
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const SHORT = /^[A-Za-z0-9_-]{22}$/;
const COUNT = /^(?:0|[1-9]\d?)$/;

/** The `custom_id` of a component, at most 62 characters: `cc1`, the session, the interaction and the act. */
export function encodeCustomId(id: ComponentId): string {
  return [PREFIX, shorten(id.session_id), shorten(id.interaction_id), ...act(id)].join('.');
}

/** Null: not one of ours. Each id has exactly one spelling. */
export function decodeCustomId(text: string): ComponentId | null {
  const [prefix, session, interaction, kind, ...rest] = text.split('.');
  if (prefix !== PREFIX || session === undefined || interaction === undefined || kind === undefined) return null;
  const session_id = lengthen(session);
  const interaction_id = lengthen(interaction);
  const read = readAct(kind, rest);
  if (session_id === null || interaction_id === null || read === null) return null;
  const id = { session_id, interaction_id, ...read };
  return encodeCustomId(id) === text ? id : null;
}

function act(id: ComponentAct): (string | number)[] {
  switch (id.kind) {
    case 'option':
      return ['o', id.question, id.option];
    case 'select':
      return ['s', id.question];
    case 'other':
      return ['f', id.question];
    case 'text':
      return ['t', id.question];
    case 'decision':
      return ['d', id.decision];
    case 'page':
      return ['p', id.page];
    case 'send':
      break;
  }
  return ['a'];
}

function readAct(kind: string, [first = '', second = '']: readonly string[]): ComponentAct | null {
  const question = count(first);
  switch (kind) {
    case 'o': {
      const option = count(second);
      return question === null || option === null ? null : { kind: 'option', question, option };
    }
    case 's':
      return question === null ? null : { kind: 'select', question };
    case 'f':
      return question === null ? null : { kind: 'other', question };
    case 't':
      return question === null ? null : { kind: 'text', question };
    case 'd':
      return first === 'allow' || first === 'allow_session' || first === 'deny'
        ? { kind: 'decision', decision: first }
        : null;
    case 'a':
      return { kind: 'send' };
    case 'p':
      return question === null ? null : { kind: 'page', page: question };
    default:
      return null;
  }
}

const count = (text: string) => (COUNT.test(text) ? Number(text) : null);

/** The 16 bytes of a UUID in base64url. */
function shorten(uuid: string): string {
  const lower = uuid.toLowerCase();
  if (!UUID.test(lower)) throw new Error(`${uuid} is not a UUID`);
  const bytes = lower.replaceAll('-', '').match(/../g) ?? [];
  const binary = String.fromCharCode(...bytes.map((byte) => parseInt(byte, 16)));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function lengthen(short: string): string | null {
  if (!SHORT.test(short)) return null;
  const binary = atob(`${short.replaceAll('-', '+').replaceAll('_', '/')}==`);
  const hex = Array.from(binary, (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
