/** Scripts for the completion of shells. The names of commands and options are ours and need no quoting; what describes them does. */
import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Place {
  /** Words that lead there, the program's own left out: `node join`. */
  readonly path: string;
  readonly commands: readonly Described[];
  readonly options: readonly Choosing[];
}

interface Described {
  readonly name: string;
  readonly text: string;
}

interface Choosing extends Described {
  /** What may follow; null: anything, such as a file. Undefined: nothing does. */
  readonly choices: readonly string[] | null | undefined;
}

export function completionScript(shell: Shell, program: Command): string {
  const places = placesOf(program, '', program.options.map(choosing));
  switch (shell) {
    case 'bash':
      return bash(places);
    case 'zsh':
      return zsh(places);
    case 'fish':
      return fish(places);
    default:
      return shell satisfies never;
  }
}

function choosing({
  long,
  short,
  description,
  required,
  optional,
  argChoices,
}: Command['options'][number]): Choosing {
  const takesValue = required || optional;
  return {
    name: long ?? short ?? '',
    text: description,
    choices: takesValue ? (argChoices ?? null) : undefined,
  };
}

function placesOf(command: Command, path: string, global: readonly Choosing[]): Place[] {
  const own = path === '' ? [] : command.options.map(choosing);
  const commands = command.commands.map((each) => ({ name: each.name(), text: each.description() }));
  const help = { name: '--help', text: 'display help for command', choices: undefined };
  return [
    { path, commands, options: [...own, ...global, help] },
    ...command.commands.flatMap((each) => placesOf(each, `${path} ${each.name()}`.trim(), global)),
  ];
}

const wordsOf = (things: readonly Described[]): string => things.map(({ name }) => name).join(' ');

/** Arms of a `case` over the words that lead to a place. */
function arms(places: readonly Place[], body: (place: Place) => string): string {
  return places.map((place) => `    '${place.path}') ${body(place)} ;;`).join('\n');
}

/** Walks over the words before the cursor: what is a command at its place leads on. */
function walkArms(places: readonly Place[]): string {
  const steps = places.filter(({ path }) => path !== '').map(({ path }) => `'${stepOf(path)}'`);
  return `      ${steps.join('|')}) place="\${place:+$place }$word" ;;`;
}

/** `node|join`: the place before, and the word. */
function stepOf(path: string): string {
  const words = path.split(' ');
  return `${words.slice(0, -1).join(' ')}|${words.at(-1)}`;
}

function bash(places: readonly Place[]): string {
  const choices = places.flatMap(({ path, options }) =>
    options.flatMap(({ name, choices: values }) =>
      values === null || values === undefined
        ? []
        : [`    '${path}|${name}') words='${values.join(' ')}' ;;`],
    ),
  );
  const valued = [
    ...new Set(
      places.flatMap(({ options }) =>
        options.flatMap(({ name, choices: v }) => (v === undefined ? [] : [name])),
      ),
    ),
  ];
  return `# Completion of starlings for bash, by \`starlings completion bash\`
_starlings() {
  local word words options place='' current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place|$word" in
${walkArms(places)}
    esac
  done
  case "$place|$before" in
${choices.join('\n')}
    *)
      # After an option that takes a value come files.
      case "$before" in ${valued.join('|')}) return ;; esac
      case "$place" in
${arms(places, ({ commands, options }) => `words='${wordsOf(commands)}' options='${wordsOf(options)}'`)}
      esac
      [[ $current != -* ]] || words=$options ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _starlings starlings
`;
}

/** In single quotes, with nothing that `_describe` reads as the end of a name. */
function zshItem({ name, text }: Described): string {
  return `'${name}:${text.replaceAll('\\', '\\\\').replaceAll(':', '\\:').replaceAll("'", "'\\''")}'`;
}

function zsh(places: readonly Place[]): string {
  return `#compdef starlings
# Completion of starlings for zsh, by \`starlings completion zsh\`
_starlings() {
  local word place=''
  local -a commands options
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place|$word" in
${walkArms(places)}
    esac
  done
  case "$place" in
${arms(
  places,
  ({ commands, options }) =>
    `commands=(${commands.map(zshItem).join(' ')}) options=(${options.map(zshItem).join(' ')})`,
)}
  esac
  if [[ $PREFIX == -* ]]; then
    _describe option options
  else
    (( $#commands )) && _describe command commands
    _files
  fi
}
_starlings "$@"
`;
}

function fish(places: readonly Place[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = places.flatMap(({ path, commands, options }) => {
    const here = `-n "__starlings_at '${path}'"`;
    return [
      ...commands.map(({ name, text }) => `complete -c starlings ${here} -f -a ${name} -d ${quoted(text)}`),
      ...options.map(({ name, text, choices }) => {
        const value =
          choices === undefined ? '' : choices === null ? ' -r' : ` -x -a ${quoted(choices.join(' '))}`;
        return `complete -c starlings ${here} -l ${name.replace(/^-+/, '')}${value} -d ${quoted(text)}`;
      }),
    ];
  });
  const steps = places.filter(({ path }) => path !== '').map(({ path }) => `'${stepOf(path)}'`);
  return `# Completion of starlings for fish, by \`starlings completion fish\`
function __starlings_at
  set -l place ''
  for word in (commandline -opc)[2..-1]
    switch "$place|$word"
      case ${steps.join(' ')}
        set place (string trim -- "$place $word")
    end
  end
  test "$place" = "$argv[1]"
end
${lines.join('\n')}
`;
}
