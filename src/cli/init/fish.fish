# tvmux: tells where prompts and commands begin and end (OSC 133), what was typed,
# and the folder (OSC 7). fish does so by itself from version 4 on.
# In ~/.config/fish/config.fish: tvmux init fish | source
if status is-interactive; and test "$TERM" != dumb; and not functions -q __tvmux_started
    and not functions -q __vsc_fish_cmd_start; and not set -q VSCODE_SHELL_INTEGRATION
    and test (string split . -- $version)[1] -lt 4
    # Text for a sequence: what would end it stands as its number.
    function __tvmux_escape
        string sub -l 4000 -- "$argv" | string replace -a % %25 | string replace -a ';' %3b |
            string replace -a \t %09 | string replace -ra '[[:cntrl:]]' '' | string join %0a
    end
    function __tvmux_prompt --on-event fish_prompt
        printf '\e]7;file://%s%s\a\e]133;A\a' $hostname (__tvmux_escape $PWD)
    end
    function __tvmux_started --on-event fish_preexec
        printf '\e]133;C;cmdline_url=%s\a' (__tvmux_escape $argv)
    end
    function __tvmux_done --on-event fish_postexec
        printf '\e]133;D;%s\a' $status
    end
end
