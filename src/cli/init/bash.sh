# tvmux: tells where prompts and commands begin and end (OSC 133), what was typed,
# and the folder (OSC 7). In ~/.bashrc, at its end: eval "$(tvmux init bash)"
if [[ $- == *i* && $TERM != dumb && -z ${__tvmux_none-} ]] &&
    ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) &&
    # VS Code reads this file before it has functions of its own.
    [[ -z ${VSCODE_SHELL_INTEGRATION-} ]] &&
    ! declare -F __vsc_prompt_cmd >/dev/null && [[ $PS1$PS0 != *]633\;* ]]; then
    __tvmux_none=x
    __tvmux_ran=
    __tvmux_number=
    # Text for a sequence: what would end it stands as its number.
    __tvmux_escape() {
        local text=${1:0:4000}
        text=${text//%/%25}
        text=${text//;/%3b}
        text=${text//$'\n'/%0a}
        text=${text//$'\t'/%09}
        printf %s "${text//[[:cntrl:]]/}"
    }
    # Runs before the hooks of others, which may change the status.
    __tvmux_done() {
        local status=$?
        if [[ -n $__tvmux_ran ]]; then
            __tvmux_ran=
            printf '\e]133;D;%s\a' "$status"
        fi
        printf '\e]7;file://%s%s\a' "${HOSTNAME-}" "$(__tvmux_escape "$PWD")"
        return "$status"
    }
    # Runs after them: some make the prompt again each time.
    __tvmux_prompt() {
        local status=$?
        if [[ $PS1 != *]133\;A* ]]; then
            # With the number that the next command has in the history.
            PS1='\[\e]133;A\a\]${__tvmux_none:$((__tvmux_number=\!)):0}'$PS1'\[\e]133;B\a\]'
        fi
        __tvmux_order
        return "$status"
    }
    # Puts the two first and last among the hooks: others that come later may call
    # them from their own, with another status, before they make the prompt.
    __tvmux_order() {
        local hook hooks=()
        for hook in "${PROMPT_COMMAND[@]}"; do
            hook=${hook#__tvmux_done; }
            hook=${hook%; __tvmux_prompt}
            [[ $hook == @(|__tvmux_done|__tvmux_prompt) ]] || hooks+=("${hook%;}")
        done
        if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
            PROMPT_COMMAND=(__tvmux_done "${hooks[@]}" __tvmux_prompt)
        else
            PROMPT_COMMAND="__tvmux_done; ${hooks[0]:+${hooks[0]}; }__tvmux_prompt"
        fi
    }
    __tvmux_started() {
        local number text
        # What is kept out of the history has no text here.
        read -r number text < <(HISTTIMEFORMAT='' builtin history 1)
        text=$(HISTTIMEFORMAT='' builtin history 1)
        text=${text#*"$number"}
        text=${text#"${text%%[![:space:]]*}"}
        if [[ ${number%\*} == "$__tvmux_number" ]]; then
            printf '\e]133;C;cmdline_url=%s\a' "$(__tvmux_escape "$text")"
        else
            printf '\e]133;C\a'
        fi
    }
    PS0=${PS0-}'${__tvmux_none:$((__tvmux_ran=1)):0}$(__tvmux_started)'
    __tvmux_order
fi
