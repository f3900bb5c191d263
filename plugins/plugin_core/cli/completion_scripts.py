"""The command `completion`, the same for both executables: a script for each shell, and one for kubectl."""

from __future__ import annotations

import click

_BASH = r"""# bash completion of EXECUTABLE; for this shell: source <(EXECUTABLE completion bash)
_FUNCTION() {
    local words=() values=() word line index last directive
    for ((index = 1; index <= COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        last=$((${#words[@]} - 1))
        # readline breaks words at = too: --flag=value is put together again
        if ((last >= 0)) && [[ ($word == = && ${words[last]} == --*) || ${words[last]} == --*= ]]; then
            words[last]+=$word
        else
            words+=("$word")
        fi
    done
    while IFS= read -r line; do
        values+=("${line%%$'\t'*}")
    done < <(EXECUTABLE __complete "${words[@]}" 2>/dev/null)
    last=$((${#values[@]} - 1))
    COMPREPLY=()
    ((last >= 0)) || return 0
    directive=${values[last]#:}
    unset "values[last]"
    COMPREPLY=("${values[@]}")
    ((directive & 2)) && compopt -o nospace 2>/dev/null
    ((directive & 4)) || compopt -o default 2>/dev/null
    return 0
}
complete -F _FUNCTION EXECUTABLE
"""

_ZSH = r"""#compdef EXECUTABLE
# zsh completion of EXECUTABLE; for this shell: source <(EXECUTABLE completion zsh)
_FUNCTION() {
    local -a lines described ending
    local line value directive
    lines=("${(@f)$(EXECUTABLE __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    [[ $lines[-1] == :* ]] || return 1
    directive=${lines[-1]#:}
    lines[-1]=()
    [[ $words[CURRENT] == --*=* ]] && compset -P '*='
    if ((! (directive & 4))); then
        _files
        return
    fi
    ((directive & 2)) && ending=(-S '')
    for line in $lines; do
        value=${line%%$'\t'*}
        described+=("${value//:/\\:}${${line#$value}/$'\t'/:}")
    done
    _describe -V EXECUTABLE described $ending
}
if [[ $funcstack[1] == _FUNCTION ]]; then
    _FUNCTION "$@"
else
    compdef _FUNCTION EXECUTABLE
fi
"""

_FISH = r"""# fish completion of EXECUTABLE; for this shell: EXECUTABLE completion fish | source
function _FUNCTION
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    set -l lines (EXECUTABLE __complete $words "$current" 2>/dev/null)
    test (count $lines) -gt 0; or return
    set -l directive (string sub -s 2 -- $lines[-1])
    set -e lines[-1]
    set -l flag (string match -r -- '^--[^=]+=' "$current")
    if test (math "floor($directive / 4) % 2") -eq 0
        __fish_complete_path (string replace -- "$flag" "" "$current")
    else
        for line in $lines
            echo "$flag$line"
        end
    end
end
complete -c EXECUTABLE -f -a '(_FUNCTION)'
"""

_KUBECTL = r"""#!/bin/sh
# kubectl runs this, as COMPLETER on PATH, to complete `kubectl PLUGIN`.
for found in EXECUTABLE kubectl-PLUGIN; do
    command -v "$found" >/dev/null 2>&1 && exec "$found" __complete "$@"
done
echo :4
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH, "kubectl": _KUBECTL}


def script(shell: str, executable: str) -> str:
    """shell: bash, zsh, fish, or kubectl for the program that kubectl's own completion runs."""
    plugin = executable.rpartition("-")[2]
    text = _SCRIPTS[shell].replace("_FUNCTION", f"_complete_{executable.replace('-', '_')}")
    return text.replace("COMPLETER", completer(executable)).replace("PLUGIN", plugin).replace("EXECUTABLE", executable)


def completer(executable: str) -> str:
    """The file name under which kubectl looks for it."""
    return f"kubectl_complete-{executable.rpartition('-')[2]}"


@click.command("completion")
@click.argument("shell", type=click.Choice(sorted(_SCRIPTS)))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell, or with "kubectl" the program that kubectl's own completion runs.

    Names come from the cluster of the command line, in a second or not at all.

    \b
    Examples (of kubectl rwx; oc gsb has the same):
      source <(kubectl rwx completion bash)
      kubectl rwx completion zsh > "${fpath[1]}/_kubectl-rwx"
      kubectl rwx completion fish > ~/.config/fish/completions/kubectl-rwx.fish
      kubectl rwx completion kubectl > ~/.local/bin/kubectl_complete-rwx
      chmod +x ~/.local/bin/kubectl_complete-rwx
    """
    click.echo(script(shell, str(context.find_root().info_name)), nl=False)
