import * as z from 'zod';
import type { AgentTool } from '../../protocol/api/session-config.ts';

/** What MCP may be told of what a tool does. Claude Code runs calls beside each other, and while it plans, where they only read. */
interface Hints {
  readOnlyHint: boolean;
  /** It ends or takes away something. */
  destructiveHint?: boolean;
  /** Called once more with the same, it changes nothing more. */
  idempotentHint?: boolean;
}

/** What the model is told of a tool, and what the tool returns. */
interface Told<Field extends string> {
  /** When to use it, when not, what comes back. */
  description: string;
  /** Of each argument. */
  fields: Readonly<Record<Field, string>>;
  /** Of what is returned as data. Absent: it returns a text. */
  output?: z.ZodObject;
  /** Characters of a result that the model is given whole. Absent: Claude Code's own limit. */
  whole?: number;
  hints: Hints;
}

type ObjectSchema = { type: 'object'; properties?: Record<string, object>; [key: string]: unknown };

/** A tool as `tools/list` tells of it. */
export interface ToolDescription {
  name: AgentTool;
  description: string;
  inputSchema: ObjectSchema;
  outputSchema?: ObjectSchema;
  annotations: Hints;
  _meta?: Record<string, unknown>;
}

/** One of CC-Docker's own tools. */
export interface ToolDefinition<Call> {
  describe(): ToolDescription;
  /** Whether a result has data beside its text. */
  structured: boolean;
  /** Arguments that come from the model, as a call of this tool. */
  read(given: unknown): Call | z.ZodError;
}

/** @param input what it takes; the rest is what is told of it */
export function defineTool<Name extends AgentTool, Input extends z.ZodObject>(
  name: Name,
  input: Input,
  { description, fields, output, whole, hints }: Told<keyof Input['shape'] & string>,
): ToolDefinition<{ tool: Name; input: z.output<Input> }> {
  return {
    structured: output !== undefined,
    describe: () => ({
      name,
      description,
      inputSchema: described(objectSchema(input), fields),
      ...(output !== undefined && { outputSchema: objectSchema(output) }),
      annotations: hints,
      ...(whole !== undefined && { _meta: { 'anthropic/maxResultSizeChars': whole } }),
    }),
    read(given) {
      const parsed = input.safeParse(given);
      return parsed.success ? { tool: name, input: parsed.data } : parsed.error;
    },
  };
}

/** Also of what is returned as `input`: otherwise a field that a newer edge adds would not be allowed. */
function objectSchema(schema: z.ZodObject): ObjectSchema {
  const { $schema: _, properties = {}, ...rest } = z.toJSONSchema(schema, { io: 'input', override: shorten });
  const objects = Object.entries(properties).flatMap(([name, each]) =>
    typeof each === 'object' ? [{ name, each }] : [],
  );
  return { ...rest, type: 'object', properties: Object.fromEntries(objects.map(({ name, each }) => [name, each])) };
}

/** The model pays for each character, and learns nothing from these. */
function shorten({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.format === 'uuid') delete jsonSchema.pattern;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}

function described(schema: ObjectSchema, fields: Readonly<Record<string, string>>): ObjectSchema {
  const properties = Object.entries(schema.properties ?? {});
  return {
    ...schema,
    properties: Object.fromEntries(properties.map(([name, each]) => [name, { ...each, description: fields[name] }])),
  };
}
