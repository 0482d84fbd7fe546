import { type CommandRow, commands, everywhere, groupTexts, type OptionRow } from './commands.ts'
import { exits } from './exit.ts'
import type { Given, Io } from './io.ts'
import { Refusal } from './refusal.ts'

/** `completion bash|zsh|fish`: made from the table of commands. */
export async function execute(given: Given, io: Io): Promise<number> {
  const shell = given.args['shell'] ?? ''
  const script = Object.hasOwn(shells, shell) ? shells[shell] : undefined
  if (script === undefined)
    throw new Refusal('SYNC-7101', `There is no completion for ${shell}; there is: ${Object.keys(shells).join(', ')}.`)
  io.out(script())
  return exits.ok
}

/** A place on the command line with what may follow. */
interface Place {
  /** The words so far, without options: `quarantine`. */
  readonly path: string
  readonly words: readonly { readonly word: string; readonly text: string }[]
}

const flagOf = (option: OptionRow): string => option.flags.split(/[ ,]/)[0] as string

/** Where something can be completed: before a command, in a group, after a command. */
function places(): Place[] {
  const firsts = new Map<string, string>()
  for (const { name, text } of commands) {
    const [first = '', second] = name.split(' ')
    if (!firsts.has(first)) firsts.set(first, second === undefined ? text : (groupTexts[first] ?? ''))
  }
  return [
    { path: '', words: [[...firsts].map(([word, text]) => ({ word, text })), wordsOf(everywhere)].flat() },
    ...Object.keys(groupTexts).map((group) => ({
      path: group,
      words: [
        ...commands
          .filter(({ name }) => name.startsWith(`${group} `))
          .map(({ name, text }) => ({ word: name.slice(group.length + 1), text })),
        ...wordsOf(everywhere),
      ],
    })),
    ...commands.map((row) => ({ path: row.name, words: wordsAfter(row) })),
  ]
}

const wordsOf = (options: readonly OptionRow[]): Place['words'] =>
  options.map((option) => ({ word: flagOf(option), text: option.text }))

const wordsAfter = (row: CommandRow): Place['words'] => [
  ...(row.name === 'completion' ? Object.keys(shells).map((word) => ({ word, text: `for ${word}` })) : []),
  ...wordsOf([...row.options, ...everywhere]),
]

const isCommand = (path: string): boolean => commands.some(({ name }) => name === path)

const isValued = ({ flags }: OptionRow): boolean => flags.includes('<')

/** Options that are followed by a value, which is no command. */
const valuedFlags = (): string[] => [
  ...new Set([...commands.flatMap(({ options }) => options), ...everywhere].filter(isValued).map(flagOf)),
]

/** Values of options that have a list of them. */
const choices = (): { readonly path: string; readonly flag: string; readonly values: readonly string[] }[] =>
  commands.flatMap(({ name, options }) =>
    options.flatMap((option) => {
      if (option.choices === undefined) return []
      return { path: name, flag: flagOf(option), values: option.choices }
    }),
  )

/** A pattern of `case`: arguments may follow a command; nothing but a command follows a group. */
const patternOf = (path: string): string => (isCommand(path) ? `"${path}"|"${path} "*` : `"${path}"`)

const shells: Readonly<Record<string, () => string>> = { bash, zsh, fish }

function bash(): string {
  const cases = places().map(
    ({ path, words }) =>
      `    ${patternOf(path)}) COMPREPLY=($(compgen -W "${words.map(({ word }) => word).join(' ')}" -- "$current")) ;;`,
  )
  const lists = choices().map(
    ({ path, flag, values }) =>
      `    "${path} ${flag}"|"${path} "*" ${flag}") COMPREPLY=($(compgen -W "${values.join(' ')}" -- "$current")); return ;;`,
  )
  const withValue = valuedFlags().join('|')
  return `# bash completion of syncline: source <(syncline completion bash)
_syncline() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" path="" i
  # The line reader takes --flag=value for three words.
  [[ $current == = ]] && current=""
  [[ $before == = ]] && before="\${COMP_WORDS[COMP_CWORD - 2]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${withValue}) # its value is no command
        i=$((i + 1))
        [[ \${COMP_WORDS[i]} == = ]] && i=$((i + 1)) ;;
      -*) ;;
      *) path="$path \${COMP_WORDS[i]}" ;;
    esac
  done
  path="\${path# }"
  COMPREPLY=()
  case "$path $before" in
${lists.join('\n')}
  esac
  case "$before" in ${withValue}) return ;; esac
  case "$path" in
${cases.join('\n')}
  esac
}
complete -o default -F _syncline syncline`
}

function zsh(): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''").replaceAll(':', '\\:')}'`
  const cases = places().map(({ path, words }) => {
    const items = words.map(({ word, text }) => `${quoted(word).slice(0, -1)}:${quoted(text).slice(1)}`).join(' ')
    return `    ${patternOf(path)}) items=(${items}) ;;`
  })
  const lists = choices().map(
    ({ path, flag, values }) =>
      `    "${path} ${flag}"|"${path} "*" ${flag}") compadd -- ${values.join(' ')}; return ;;`,
  )
  const withValue = valuedFlags().join('|')
  return `#compdef syncline
# zsh completion of syncline: syncline completion zsh > "\${fpath[1]}/_syncline"
_syncline() {
  local -a items given
  local i before="\${words[CURRENT-1]}"
  for ((i = 2; i < CURRENT; i++)); do
    case "\${words[i]}" in
      ${withValue}) ((i++)) ;; # its value is no command
      -*) ;;
      *) given+=("\${words[i]}") ;;
    esac
  done
  case "\${(j: :)given} $before" in
${lists.join('\n')}
  esac
  case "$before" in ${withValue}) _files; return ;; esac
  case "\${(j: :)given}" in
${cases.join('\n')}
  esac
  _describe syncline items || _files
}
# Where zsh loads this file for the first completion, that one is answered too.
if [[ \${funcstack[1]} == _syncline ]]; then _syncline; else compdef _syncline syncline; fi`
}

function fish(): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const condition = (path: string) => quoted(`${isCommand(path) ? '__syncline_in' : '__syncline_at'} ${quoted(path)}`)
  const lines = places().flatMap(({ path, words }) =>
    words
      .filter(({ word }) => !word.startsWith('-'))
      .map(({ word, text }) => `complete -c syncline -n ${condition(path)} -a ${word} -d ${quoted(text)}`),
  )
  const withOptions = [...commands, ...['', ...Object.keys(groupTexts)].map((name) => ({ name, options: [] }))]
  const options = withOptions.flatMap(({ name, options }) =>
    [...options, ...everywhere].map((option) => {
      // -x: what follows is one of these; -r: what follows is a file, as far as the shell can know.
      const value = option.choices === undefined ? ' -r -F' : ` -x -a ${quoted(option.choices.join(' '))}`
      const what = `-l ${flagOf(option).slice(2)}${isValued(option) ? value : ''}`
      return `complete -c syncline -n ${condition(name)} ${what} -d ${quoted(option.text)}`
    }),
  )
  return `# fish completion of syncline: syncline completion fish > ~/.config/fish/completions/syncline.fish
function __syncline_path
    set -l given
    set -l is_value 0
    for word in (commandline -opc)[2..]
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch $word
            case ${valuedFlags().join(' ')}
                set is_value 1 # its value is no command
            case '-*'
            case '*'
                set -a given $word
        end
    end
    echo "$given"
end
function __syncline_at
    test (__syncline_path) = "$argv"
end
function __syncline_in
    string match -q -- "$argv *" (__syncline_path)' '
end
complete -c syncline -f
${[...lines, ...options].join('\n')}`
}
