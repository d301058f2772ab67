import type { CommandUnknownOpts } from '@commander-js/extra-typings';

/** A word that may stand there, and what it means. */
export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** Finds the words that only the service knows, of an argument by its name. */
export type FindValues = (argument: string) => Promise<readonly Candidate[]>;

/** What the last of some words can be completed to. @param words after the command's name; the last one may be empty */
export async function complete(
  program: CommandUnknownOpts,
  words: readonly string[],
  find: FindValues,
): Promise<Candidate[]> {
  const current = words.at(-1) ?? '';
  let command = program;
  let positionals = 0;
  let expects: { readonly argChoices?: readonly string[] | undefined; readonly name: string } | undefined;
  for (const word of words.slice(0, -1)) {
    if (expects !== undefined) expects = undefined;
    else if (word.startsWith('-') && word !== '-') expects = valueOf(command, word);
    else {
      const below = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
      if (below === undefined) positionals += 1;
      else {
        command = below;
        positionals = 0;
      }
    }
  }
  const all =
    expects !== undefined ? await valuesOf(expects, find) : await wordsOf(command, current, positionals, find);
  return all.filter(({ value }) => value.startsWith(current));
}

/** The value that an option takes next; undefined: it takes none, or has it already. */
function valueOf(command: CommandUnknownOpts, word: string) {
  const option = command.options.find(({ long, short }) => long === word || short === word);
  if (option === undefined || (!option.required && !option.optional)) return undefined;
  return { argChoices: option.argChoices, name: option.long?.slice(2) ?? '' };
}

async function wordsOf(command: CommandUnknownOpts, current: string, positionals: number, find: FindValues) {
  if (current.startsWith('-')) {
    return command.options
      .filter(({ hidden }) => !hidden)
      .map(({ long, short, description }) => ({ value: long ?? short ?? '', description }));
  }
  const names = command.commands.map((each) => ({ value: each.name(), description: each.description() }));
  if (names.length > 0 && positionals === 0) return names;
  const declared = command.registeredArguments;
  const argument = declared[positionals] ?? (declared.at(-1)?.variadic === true ? declared.at(-1) : undefined);
  return argument === undefined ? [] : await valuesOf({ argChoices: argument.argChoices, name: argument.name() }, find);
}

async function valuesOf(
  { argChoices, name }: { readonly argChoices?: readonly string[] | undefined; readonly name: string },
  find: FindValues,
) {
  if (argChoices !== undefined) return argChoices.map((value) => ({ value, description: '' }));
  return await find(name);
}
