import { Argument, Command } from '@commander-js/extra-typings';
import type { Cli } from '../../lib/cli.ts';
import { COMPLETION_SCRIPTS } from './completion-scripts.ts';

/** `cc-docker completion`. */
export function completion(cli: Cli) {
  return new Command('completion')
    .description('print the script that completes this command’s words in a shell')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      '\n  bash  echo "source <(cc-docker completion bash)" >> ~/.bashrc\n  zsh   echo "source <(cc-docker completion zsh)" >> ~/.zshrc\n  fish  cc-docker completion fish > ~/.config/fish/completions/cc-docker.fish',
    )
    .action((shell) => cli.out.write(COMPLETION_SCRIPTS[shell]));
}
