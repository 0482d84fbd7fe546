import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { type CommandRow, commands, everywhere, groups, groupTexts, type OptionRow, verbsOf } from './commands.ts'
import { exits } from './exit.ts'
import type { Given, Io } from './io.ts'
import { Refusal } from './refusal.ts'

/** What the command line asks for: a command with what was given to it, or a text to print (help, version). */
export type Wanted =
  | { readonly kind: 'command'; readonly row: CommandRow; readonly given: Given }
  | { readonly kind: 'text'; readonly text: string }

/**
 * Reads a command line by the table of commands.
 * @throws Refusal SYNC-7101 for what is not in the table
 */
export async function read(words: readonly string[], version: string): Promise<Wanted> {
  let wanted: Wanted | null = null
  let printed = ''
  const program = build((row, given) => {
    wanted = { kind: 'command', row, given }
  }, version)
  everyCommand(program, (command) =>
    command
      .exitOverride()
      .enablePositionalOptions()
      .configureOutput({
        writeOut: (text) => {
          printed += text
        },
        writeErr: () => {},
      })
      .configureHelp({ helpWidth: 100, sortSubcommands: false }),
  )
  try {
    await program.parseAsync([...words], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.help' && words.length > 0 && error.exitCode !== 0) {
      const group = words.find((word) => Object.hasOwn(groupTexts, word))
      if (group === undefined) throw new Refusal('SYNC-7101', 'A command is missing.')
      throw new Refusal('SYNC-7101', `\`syncline ${group}\` needs a command: ${verbsOf(group).join(', ')}.`)
    }
    if (error.exitCode !== 0 && error.code !== 'commander.help')
      throw new Refusal('SYNC-7101', sentence(error.message), undefined, { cause: error })
  }
  return wanted ?? { kind: 'text', text: printed === '' ? program.helpInformation() : printed.trimEnd() }
}

/** Commander's `error: unknown option '--onse'\n(Did you mean --once?)` as a sentence. */
function sentence(message: string): string {
  const text = message.replace(/^error: /, '').replace(/\n\((.*)\)$/, '. $1')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? '' : '.'}`
}

function build(onCommand: (row: CommandRow, given: Given) => void, version: string): Command {
  const program = new Command('syncline')
  program
    .description('Keeps a legacy system and a CRM in step, and proves that nothing was lost.')
    .usage('<command> [options]')
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'print help')
    .helpCommand(false)
    .addHelpText('after', `\nExit codes: ${exitText}.`)
  // They may stand before the command too.
  for (const option of everywhere) program.addOption(optionOf(option))
  for (const { title, commands: rows } of groups)
    for (const row of rows) {
      const [first = '', second] = row.name.split(' ')
      const parent = second === undefined ? program : groupOf(program, first, title)
      const command = parent.command(second ?? first)
      command.description(row.text).helpOption('--help', 'print help')
      if (parent === program) command.helpGroup(`${title}:`)
      for (const arg of row.args) command.argument(arg)
      for (const option of [...row.options, ...everywhere]) command.addOption(optionOf(option))
      command.action(() => onCommand(row, givenOf(command, row)))
    }
  return program
}

const exitText = `${exits.ok} ok, ${exits.failed} rows failed, ${exits.usage} usage or configuration, ${exits.connection} connection, ${exits.safety} safety stop,
${exits.internal} a fault of Syncline, ${exits.locked} locked, ${exits.nothing} nothing to do, ${exits.interrupted} and ${exits.terminated} signals`

/** The command that holds the others of its group: `quarantine`. */
function groupOf(program: Command, name: string, title: string): Command {
  const known = program.commands.find((command) => command.name() === name)
  if (known !== undefined) return known
  const group = program
    .command(name)
    .description(groupTexts[name] ?? '')
    .usage('<command> [options]')
    .helpOption('--help', 'print help')
    .helpCommand(false)
    .helpGroup(`${title}:`)
  for (const option of everywhere) group.addOption(optionOf(option))
  return group
}

function optionOf({ flags, text, choices, default: standard, read: kind }: OptionRow): Option {
  const option = new Option(flags, text)
  if (choices !== undefined) option.choices([...choices])
  if (kind !== undefined) option.argParser((value) => count(value, kind))
  if (standard !== undefined) option.default(kind === undefined ? standard : count(standard, kind))
  return option
}

function count(value: string, kind: 'count' | 'port'): number {
  const max = kind === 'port' ? 65_535 : 1_000_000_000_000
  const number = /^\d{1,13}$/.test(value) ? Number(value) : Number.NaN
  if (!(number <= max)) throw new InvalidArgumentError(`expected a whole number from 0 to ${max}`)
  return number
}

function givenOf(command: Command, row: CommandRow): Given {
  const args: { [name: string]: string | undefined } = Object.create(null)
  for (const [i, arg] of row.args.entries()) args[arg.replace(/[<>[\]]/g, '')] = command.args[i]
  return { args, options: optionsOf(command) }
}

/** What was given before the command, to its group, and to the command itself: who is nearest wins. */
const optionsOf = (command: Command): Given['options'] => ({
  ...(command.parent === null ? {} : optionsOf(command.parent)),
  ...command.opts(),
})

function everyCommand(command: Command, body: (command: Command) => void): void {
  body(command)
  for (const inner of command.commands) everyCommand(inner, body)
}

/** The help of every command, one after another: what a golden file holds. */
export async function allHelp(version: string): Promise<string> {
  const pages: string[] = []
  const names = ['', ...new Set(commands.flatMap(({ name }) => [name.split(' ')[0] as string, name]))]
  for (const name of names) {
    const words = name === '' ? [] : name.split(' ')
    const wanted = await read([...words, '--help'], version)
    if (wanted.kind === 'text') pages.push(`$ ${['syncline', ...words, '--help'].join(' ')}\n${wanted.text}\n`)
  }
  return pages.join('\n')
}

/** Where the command's code is, and what it answers. */
export async function execute(wanted: Extract<Wanted, { kind: 'command' }>, io: Io): Promise<number> {
  const { execute: run } = await wanted.row.load()
  return run(wanted.given, io)
}
