import answers from './answers.json' with { type: 'json' };
import { EXAMPLES } from './requests.ts';

/** What a call's example has: what is sent, and what comes. */
interface ExampleParts {
  /** By the parameter's name. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: object | undefined;
  /** The status of the answer, and its body; undefined: it has none. */
  readonly status: string;
  readonly answer: unknown;
}

/** The example of a call; undefined: it has none. */
export function exampleOf(operationId: string): ExampleParts | undefined {
  const example = EXAMPLES.find((one) => one.operationId === operationId);
  if (example === undefined) return undefined;
  const { parameters = {}, body, status } = example;
  const answer = Object.entries(answers).find(([name]) => name === operationId)?.[1];
  return { parameters, body, status: String(status), answer };
}
