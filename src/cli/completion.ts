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
  const groups = [...firsts.keys()].filter((first) => commands.some(({ name }) => name.startsWith(`${first} `)))
  return [
    { path: '', words: [...firsts].map(([word, text]) => ({ word, text })) },
    ...groups.map((group) => ({
      path: group,
      words: commands
        .filter(({ name }) => name.startsWith(`${group} `))
        .map(({ name, text }) => ({ word: name.slice(group.length + 1), text })),
    })),
    ...commands.map((row) => ({ path: row.name, words: wordsAfter(row) })),
  ]
}

const wordsAfter = (row: CommandRow): Place['words'] => [
  ...(row.name === 'completion' ? Object.keys(shells).map((word) => ({ word, text: `for ${word}` })) : []),
  ...[...row.options, ...everywhere].map((option) => ({ word: flagOf(option), text: option.text })),
]

const shells: Readonly<Record<string, () => string>> = { bash, zsh, fish }

function bash(): string {
  const cases = places().map(({ path, words }) => {
    const list = words.map(({ word }) => word).join(' ')
    // Arguments may follow a command; nothing but a command follows a group.
    const pattern = commands.some(({ name }) => name === path) ? `"${path}"|"${path} "*` : `"${path}"`
    return `    ${pattern}) COMPREPLY=($(compgen -W "${list}" -- "$current")) ;;`
  })
  const choices = commands.flatMap(({ name, options }) =>
    options.flatMap((option) => {
      if (option.choices === undefined) return []
      const flag = flagOf(option)
      return `    "${name} ${flag}"|"${name} "*" ${flag}") COMPREPLY=($(compgen -W "${option.choices.join(' ')}" -- "$current")); return ;;`
    }),
  )
  const valued = [...commands.flatMap(({ options }) => options), ...everywhere].filter(({ flags }) =>
    /[<[]/.test(flags),
  )
  const withValue = [...new Set(valued.map(flagOf))].join('|')
  return `# bash completion of syncline: source <(syncline completion bash)
_syncline() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" path="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${withValue}) i=$((i + 1)) ;; # its value is no command
      -*) ;;
      *) path="$path \${COMP_WORDS[i]}" ;;
    esac
  done
  path="\${path# }"
  COMPREPLY=()
  case "$path $before" in
${choices.join('\n')}
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
    const pattern = commands.some(({ name }) => name === path) ? `"${path}"|"${path} "*` : `"${path}"`
    return `    ${pattern}) items=(${items}) ;;`
  })
  return `#compdef syncline
# zsh completion of syncline: syncline completion zsh > "\${fpath[1]}/_syncline"
_syncline() {
  local -a items given
  given=(\${\${words[2,CURRENT-1]}:#-*})
  case "\${(j: :)given}" in
${cases.join('\n')}
  esac
  _describe syncline items || _files
}
compdef _syncline syncline`
}

function fish(): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = places().flatMap(({ path, words }) => {
    const [first, second] = path.split(' ')
    const inGroup = places().find((place) => place.path === first && !commands.some(({ name }) => name === first))
    const condition =
      path === ''
        ? '__fish_use_subcommand'
        : second !== undefined
          ? `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`
          : inGroup === undefined
            ? `__fish_seen_subcommand_from ${first}`
            : `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${inGroup.words.map(({ word }) => word).join(' ')}`
    return words.map(({ word, text }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`
      return `complete -c syncline -n ${quoted(condition)} ${what} -d ${quoted(text)}`
    })
  })
  return [
    '# fish completion of syncline: syncline completion fish > ~/.config/fish/completions/syncline.fish',
    ...lines,
  ].join('\n')
}
