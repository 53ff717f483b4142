#!/usr/bin/env python3
"""Writes the completion of one program for bash. usage: completion.py PROGRAM OUTPUT"""

import pathlib
import sys

import command_line

_HEAD = """# Completion of {name} for bash, made of its --help.
_{function}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} path= word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$path $word" in
{steps}    esac
  done
  case "$path:$previous" in
{values}  esac
  case "$path" in
{words}  esac
}}
complete -o default -F _{function} {name}
"""


def everything(command):
    yield command
    for below in command.subcommands:
        yield from everything(below)


def main(program, output):
    name = pathlib.Path(program).name
    commands = list(everything(command_line.read(program, [name])))
    steps, values, words = "", "", ""
    for command in commands:
        path = "".join(f" {part}" for part in command.path[1:])
        for below in command.subcommands:
            steps += f'      "{path} {below.path[-1]}") path="{path} {below.path[-1]}" ;;\n'
        for option in command.options:
            if option.choices:
                patterns = "|".join(f'"{path}:{each}"' for each in option.names)
                values += f'    {patterns}) COMPREPLY=($(compgen -W "{" ".join(option.choices)}" -- "$current")); return ;;\n'
            elif option.value:
                # A name of a file, or what nobody can guess: left to bash.
                patterns = "|".join(f'"{path}:{each}"' for each in option.names)
                values += f"    {patterns}) return ;;\n"
        offered = [below.path[-1] for below in command.subcommands]
        offered += [each for option in command.options for each in option.names if each.startswith("--")]
        words += f'    "{path}") COMPREPLY=($(compgen -W "{" ".join(offered)}" -- "$current")) ;;\n'
    text = _HEAD.format(name=name, function=name.replace("-", "_"), steps=steps, values=values, words=words)
    # A case without a branch is allowed only if it is written on one line.
    text = text.replace('    case "$path $word" in\n    esac\n', "    :\n")
    pathlib.Path(output).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
