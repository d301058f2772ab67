#!/bin/sh
# The real `claude`, without the garbage collections that Bun makes when it has nothing to do: a second after its first turn they take a
# quarter of the CPU time of its life in a test. What they would give back is memory.
export BUN_GC_TIMER_DISABLE=1
# The shell's own: a spare's folder gets another name.
unset PWD
exec "${0%/*}/../../../node_modules/@anthropic-ai/claude-code-linux-x64/claude" "$@"
