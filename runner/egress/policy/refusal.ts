import type { Rule } from './rule.ts';

/** Most characters of rules in a refusal. An agent reads it and pays for every word. */
const LIST_LIMIT = 600;

/** What refused it: the session's rules, the operator's, the address; or it is nothing that a proxy outside can reach. */
export type Refuser = 'session' | 'operator' | 'address' | 'container';

/** A refusal's text. First line: what was refused, why, and what is allowed. Second line: what can be done. */
export function refusalText(where: string, why: string, by: Refuser, rules: readonly Rule[]) {
  const advice = {
    session: `Trying again changes nothing. If the task needs it, ask for ${where} to be added to this session's network.allow.`,
    operator: "Trying again changes nothing. Only the runner's operator can allow it (EGRESS_ALLOW).",
    address: "Trying again changes nothing. Only the runner's operator can allow it (EGRESS_ALLOW_PRIVATE).",
    container: 'Connect to it without this proxy, or through the one on 127.0.0.1:3128.',
  }[by];
  return `cc-docker: not allowed by this session's network policy: ${where} (${why}). Allowed: ${listed(rules)}\n${advice}\n`;
}

function listed(rules: readonly Rule[]): string {
  const texts = [...new Set(rules.map((rule) => rule.text))];
  if (texts.length === 0) return 'nothing but the model.';
  let list = '';
  for (const [index, text] of texts.entries()) {
    if (list.length + text.length > LIST_LIMIT) return `${list} and ${texts.length - index} more.`;
    list += index === 0 ? text : `, ${text}`;
  }
  return `${list}.`;
}

/** Escapes and shortens a client's text for logs, events and one-line messages. */
export function printable(text: string, limit = 200): string {
  const escaped = text.replace(/[^\x20-\x7e]/g, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  });
  return escaped.length > limit ? `${escaped.slice(0, limit)}…` : escaped;
}
