import * as z from 'zod';
import type { AgentTool } from '../../protocol/api/session/session-config.ts';

/** MCP's hints about what a tool does. Claude Code runs read-only calls side by side, and in plan mode too. */
interface Hints {
  readOnlyHint: boolean;
  /** It ends or removes something. */
  destructiveHint?: boolean;
  /** A second call with the same arguments changes nothing more. */
  idempotentHint?: boolean;
}

/** The tool's documentation for the model, and what it returns. */
interface ToolDocumentation<Field extends string> {
  /** When to use it, when not, and what it returns. */
  description: string;
  /** A description for each argument. */
  fields: Readonly<Record<Field, string>>;
  /** The schema of the data that it returns. Absent: it returns text. */
  output?: z.ZodObject;
  /** Longest result that the model gets whole, characters. Absent: Claude Code's own limit. */
  maxResultCharacters?: number;
  hints: Hints;
}

type ObjectSchema = { type: 'object'; properties?: Record<string, object>; [key: string]: unknown };

/** A tool's entry in `tools/list`. */
export interface ToolDescription {
  name: AgentTool;
  description: string;
  inputSchema: ObjectSchema;
  outputSchema?: ObjectSchema;
  annotations: Hints;
  _meta: Record<string, unknown>;
}

/** One of CC-Docker's own tools. */
export interface ToolDefinition<Call> {
  describe(): ToolDescription;
  /** Whether a result has data beside its text. */
  structured: boolean;
  /** Parses the model's arguments into a call of this tool. */
  read(given: unknown): Call | z.ZodError;
}

/** Defines a tool. @param input the schema of its arguments */
export function defineTool<Name extends AgentTool, Input extends z.ZodObject>(
  name: Name,
  input: Input,
  { description, fields, output, maxResultCharacters, hints }: ToolDocumentation<keyof Input['shape'] & string>,
): ToolDefinition<{ tool: Name; input: z.output<Input> }> {
  return {
    structured: output !== undefined,
    describe: () => ({
      name,
      description,
      inputSchema: described(objectSchema(input), fields),
      ...(output !== undefined && { outputSchema: objectSchema(output) }),
      annotations: hints,
      _meta: {
        // The model knows the tool from the start, instead of having to search for it.
        'anthropic/alwaysLoad': true,
        ...(maxResultCharacters !== undefined && { 'anthropic/maxResultSizeChars': maxResultCharacters }),
      },
    }),
    read(given) {
      const parsed = input.safeParse(given);
      return parsed.success ? { tool: name, input: parsed.data } : parsed.error;
    },
  };
}

/** `io: 'input'` for outputs as well: otherwise the schema would forbid a field that a newer edge adds. */
function objectSchema(schema: z.ZodObject): ObjectSchema {
  const { $schema: _, properties = {}, ...rest } = z.toJSONSchema(schema, { io: 'input', override: shorten });
  const objects = Object.entries(properties).flatMap(([name, each]) =>
    typeof each === 'object' ? [{ name, each }] : [],
  );
  return { ...rest, type: 'object', properties: Object.fromEntries(objects.map(({ name, each }) => [name, each])) };
}

/** Each character costs tokens, and the model learns nothing from these. */
function shorten({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.format === 'uuid' || jsonSchema.format === 'date-time') delete jsonSchema.pattern;
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
