# tvmux: tells where prompts and commands begin and end (OSC 133), what was typed,
# and the folder (OSC 7). In ~/.zshrc, at its end: eval "$(tvmux init zsh)"
if [[ -o interactive && $TERM != dumb && -z ${__tvmux_ran-} ]] &&
    # VS Code reads this file before it has functions of its own.
    [[ -z ${VSCODE_SHELL_INTEGRATION-} ]] && (( ! ${+functions[__vsc_precmd]} )) && [[ $PS1 != *']633;'* ]]; then
    typeset -g __tvmux_ran=0
    # Text for a sequence: what would end it stands as its number.
    __tvmux_escape() {
        emulate -L zsh -o extended_glob
        local text=${1[1,4000]}
        text=${text//\%/%25}
        text=${text//;/%3b}
        text=${text//$'\n'/%0a}
        text=${text//$'\t'/%09}
        print -rn -- "${text//[[:cntrl:]]/}"
    }
    # Runs before the hooks of others.
    __tvmux_done() {
        local code=$?
        if (( __tvmux_ran )); then
            __tvmux_ran=0
            printf '\e]133;D;%s\a' $code
        fi
        printf '\e]7;file://%s%s\a' "$HOST" "$(__tvmux_escape "$PWD")"
        return $code
    }
    # Runs after them: some make the prompt again each time.
    __tvmux_prompt() {
        local code=$?
        if [[ $PS1 != *']133;A'* ]]; then
            PS1=$'%{\e]133;A\a%}'$PS1$'%{\e]133;B\a%}'
        fi
        return $code
    }
    __tvmux_started() {
        __tvmux_ran=1
        printf '\e]133;C;cmdline_url=%s\a' "$(__tvmux_escape "${1:-$3}")"
    }
    precmd_functions=(__tvmux_done ${precmd_functions-} __tvmux_prompt)
    preexec_functions=(${preexec_functions-} __tvmux_started)
fi
