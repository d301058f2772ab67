import type { CallToolResult, Tool as Listed } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { problemText } from '../advice.ts';
import type { Answered, Api } from '../api.ts';

/** What a running call can use. */
export interface CallContext {
  readonly api: Api;
  /** Aborted when nobody waits for the result any more. */
  readonly signal: AbortSignal;
  /** Tells the client that the call goes on; absent: the client did not ask for it. */
  readonly progress?: (progress: number, total: number, message: string) => Promise<void>;
}

/** A tool of the MCP server at `/mcp`. */
export interface Tool {
  readonly name: string;
  /** As `tools/list` shows it. */
  list(): Listed;
  /** Unsuitable arguments, and refusals of the API, are results that the model reads. */
  call(given: unknown, context: CallContext): Promise<CallToolResult>;
}

interface ToolDefinition<Input extends z.ZodObject> {
  readonly title: string;
  /** When to use it, when not, and what it returns. */
  readonly description: string;
  readonly input: Input;
  /** The description of each argument. */
  readonly fields: Readonly<Record<keyof Input['shape'] & string, string>>;
  /** `reads` changes nothing; what `destroys` changes cannot be restored. */
  readonly effect: 'reads' | 'changes' | 'destroys';
}

/** A tool that returns data. */
export function dataTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  name: string,
  definition: ToolDefinition<Input> & {
    readonly output: Output;
    readonly run: (input: z.output<Input>, context: CallContext) => Promise<Answered<z.output<Output>>>;
  },
): Tool {
  return toolOf(name, definition, definition.output, async (input, context) => {
    const answered = await definition.run(input, context);
    if ('problem' in answered) return failed(problemText(answered.problem));
    // The data comes as text too, for clients older than structured content (MCP 2025-06-18).
    return { content: [{ type: 'text', text: JSON.stringify(answered.data) }], structuredContent: answered.data };
  });
}

/** A tool that returns text. As data it would only be escaped. */
export function textTool<Input extends z.ZodObject>(
  name: string,
  definition: ToolDefinition<Input> & {
    readonly run: (input: z.output<Input>, context: CallContext) => Promise<Answered<readonly string[]>>;
  },
): Tool {
  return toolOf(name, definition, undefined, async (input, context) => {
    const answered = await definition.run(input, context);
    if ('problem' in answered) return failed(problemText(answered.problem));
    return { content: answered.data.map((text) => ({ type: 'text', text })) };
  });
}

function toolOf<Input extends z.ZodObject>(
  name: string,
  { title, description, input, fields, effect }: ToolDefinition<Input>,
  output: z.ZodObject | undefined,
  run: (input: z.output<Input>, context: CallContext) => Promise<CallToolResult>,
): Tool {
  return {
    name,
    list: () => ({
      name,
      title,
      description,
      inputSchema: described(objectSchema(input), fields),
      ...(output !== undefined && { outputSchema: objectSchema(output) }),
      annotations: {
        readOnlyHint: effect === 'reads',
        ...(effect !== 'reads' && { destructiveHint: effect === 'destroys' }),
        openWorldHint: false,
      },
    }),
    async call(given, context) {
      const parsed = input.safeParse(given);
      if (parsed.success) return run(parsed.data, context);
      return failed(`Nothing was done: these arguments of ${name} do not fit. ${z.prettifyError(parsed.error)}`);
    },
  };
}

function failed(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true };
}

const json = z.record(z.string(), z.json());
type Json = z.output<typeof json>;
type ObjectSchema = Json & { type: 'object'; properties: Record<string, Json> };

/** Results are described as inputs too: a field that a newer service adds is then no error. */
function objectSchema(schema: z.ZodObject): ObjectSchema {
  const { $schema: _, properties, ...rest } = json.parse(z.toJSONSchema(schema, { io: 'input', override: shorten }));
  return { ...rest, type: 'object', properties: z.record(z.string(), json).parse(properties ?? {}) };
}

/**
 * The model pays for each character. It does not read patterns (which also lose their flags here), it invents no
 * fields, and an error message explains any argument that does not fit.
 */
function shorten({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  delete jsonSchema.pattern;
  delete jsonSchema.propertyNames;
  delete jsonSchema.maxLength;
  delete jsonSchema.maxItems;
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}

function described(schema: ObjectSchema, fields: Readonly<Record<string, string>>): ObjectSchema {
  const properties = Object.entries(schema.properties);
  return {
    ...schema,
    properties: Object.fromEntries(
      properties.map(([name, each]) => [name, { ...each, description: fields[name] ?? '' }]),
    ),
  };
}
