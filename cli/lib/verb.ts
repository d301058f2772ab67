import { Command } from '@commander-js/extra-typings';

/** A verb of the command, with the options that all of them have. */
export function verb(name: string, description: string) {
  return new Command(name)
    .description(description)
    .option('--json', 'print JSON: one document, or a line for each event')
    .option('--context <name>', 'the service to ask, of those that you are logged in to');
}
