/**
 * The scripts that complete the command's words in each shell. They ask the command itself (`__complete`), and hand it the words as
 * they are typed: nothing of them is evaluated.
 */
export const COMPLETION_SCRIPTS = {
  bash: `# cc-docker completion for bash:  source <(cc-docker completion bash)
_cc_docker() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(cc-docker __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _cc_docker cc-docker
`,
  zsh: `#compdef cc-docker
# cc-docker completion for zsh:  source <(cc-docker completion zsh)
_cc_docker() {
  local line
  local -a found
  while IFS= read -r line; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(cc-docker __complete "\${(@)words[2,$CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then _describe cc-docker found; else _files; fi
}
compdef _cc_docker cc-docker
`,
  fish: `# cc-docker completion for fish:  cc-docker completion fish | source
function __cc_docker_complete
  set -l words (commandline -opc)
  set -e words[1]
  set -l current (commandline -ct)
  cc-docker __complete $words "$current" 2>/dev/null
end
complete -c cc-docker -f -a '(__cc_docker_complete)'
complete -c cc-docker -n '__fish_seen_subcommand_from cp start' -F
`,
} as const;
