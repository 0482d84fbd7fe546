import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { failures } from '../model/failures.ts'
import { commands, everywhere, verbsOf } from './commands.ts'
import { exitOf, exits } from './exit.ts'
import { runHere } from './io.fake.ts'
import { allHelp } from './program.ts'

const here = dirname(fileURLToPath(import.meta.url))
const folder = tmpdir()

test('the help of every command is that of help.golden.txt (UPDATE_GOLDEN=1 writes it)', async () => {
  const golden = join(here, 'help.golden.txt')
  const help = await allHelp('0.0.1')
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, help)
  assert.equal(help, readFileSync(golden, 'utf8'))
})

test('every command of the table loads, and --help names it', async () => {
  const help = await allHelp('0.0.1')
  for (const row of commands) {
    const { execute } = await row.load()
    assert.equal(typeof execute, 'function', row.name)
    assert.ok(help.includes(`$ syncline ${row.name} --help`), row.name)
    const flags = [...row.options, ...everywhere].map(({ flags }) => flags.split(' ')[0])
    assert.equal(new Set(flags).size, flags.length, `${row.name} has an option twice`)
  }
})

test('--help needs nothing but commander: it stays quick', () => {
  const seen = new Set<string>()
  const packages = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    for (const [, from = ''] of readFileSync(path, 'utf8').matchAll(
      /^(?:import|export) (?!type )[^'\n]*from '([^']+)'/gm,
    ))
      if (from.startsWith('.')) visit(join(dirname(path), from))
      else if (!from.startsWith('node:')) packages.add(from)
  }
  visit(join(here, 'main.ts'))
  assert.deepEqual([...packages], ['commander'])
  assert.ok(seen.size < 20, `${seen.size} files are loaded for --help`)
})

const usage: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['an unknown command', ['rnu'], /SYNC-7101 Unknown command 'rnu'\. Did you mean run\?/],
  ['an unknown option', ['run', '--onse'], /Unknown option '--onse'\. Did you mean --once\?/],
  ['a missing argument', ['sync'], /Missing required argument 'sync'/],
  ['one argument too many', ['status', 'members'], /Too many arguments/],
  ['a group alone', ['quarantine'], /needs a command: list, release, discard/],
  [
    'a group alone behind an option',
    ['--config', 'x.yaml', 'quarantine'],
    /`syncline quarantine` needs a command: list, /,
  ],
  ['an option alone', ['--variables', 'x'], /A command is missing\./],
  ['an unknown command of a group', ['quarantine', 'lsit'], /Unknown command 'lsit'\. Did you mean list\?/],
  ['a number that is none', ['run', '--max-failed', 'many'], /expected a whole number/],
  ['a port out of range', ['emulate', 'salesforce', '--port', '65536'], /from 0 to 65535/],
  ['a negative number', ['run', '--max-failed', '-1'], /expected a whole number|argument missing/i],
  ['a word that is no choice', ['status', '--output', 'xml'], /Allowed choices are table, json/],
  ['a value that is missing', ['status', '--config'], /argument missing/i],
  ['an unknown shell', ['completion', 'tcsh'], /bash, zsh, fish/],
]
for (const [name, words, message] of usage)
  test(`usage: ${name}`, async () => {
    const { code, out, err } = await runHere(words, { folder })
    assert.equal(code, exits.usage)
    assert.match(err, message)
    assert.match(err, /^SYNC-7101 /)
    assert.match(err, /\n {10}`syncline --help`/, 'says what to do')
    assert.equal(out, '')
    assert.doesNotMatch(err, /\n {4}at /)
  })

test('no command is a question for help', async () => {
  const { code, out } = await runHere([], { folder })
  assert.equal(code, 0)
  assert.match(out, /Usage: syncline/)
  assert.equal((await runHere(['--version'], { folder })).out, '0.0.1')
})

test('every failure has an ending that is documented', () => {
  const known = new Set<number>(Object.values(exits))
  const endings = Object.fromEntries(Object.keys(failures).map((code) => [code, exitOf(code)]))
  for (const [code, exit] of Object.entries(endings)) assert.ok(known.has(exit), code)
  // One of each kind, so that a change of the table is seen.
  const sample: { [code: string]: number } = {
    'SYNC-1001': 2,
    'SYNC-1003': 2,
    'SYNC-2002': 3,
    'SYNC-2003': 3,
    'SYNC-2009': 2,
    'SYNC-2014': 4,
    'SYNC-3001': 3,
    'SYNC-3010': 3,
    'SYNC-3052': 2,
    'SYNC-5001': 75,
    'SYNC-5004': 4,
    'SYNC-5006': 2,
    'SYNC-6001': 4,
    'SYNC-6002': 4,
    'SYNC-7101': 2,
    'SYNC-7107': 1,
    'SYNC-7110': 1,
    'SYNC-7199': 70,
  }
  for (const [code, exit] of Object.entries(sample)) assert.equal(endings[code] ?? exitOf(code), exit, code)
})

test('the help says what the endings are', async () => {
  const { out } = await runHere(['--help'], { folder })
  for (const exit of Object.values(exits)) assert.match(out, new RegExp(`\\b${exit}\\b`))
})

/** What a line is completed to, its last word being begun. */
const completions: readonly (readonly [line: string, words: readonly string[]])[] = [
  ['syncline st', ['status', 'stream']],
  ['syncline --conf', ['--config']],
  ['syncline --config x.yaml sta', ['status']],
  ['syncline --config=x.yaml sta', ['status']],
  ['syncline --debug sta', ['status']],
  ['syncline quarantine ', verbsOf('quarantine')],
  ['syncline quarantine --config x.yaml re', ['release']],
  ['syncline --config quarantine li', ['lint']],
  ['syncline run --o', ['--once']],
  ['syncline sync members --f', ['--full']],
  ['syncline sync --config x.yaml members --f', ['--full']],
  ['syncline quarantine discard members --w', ['--why']],
  ['syncline completion z', ['zsh']],
  ['syncline status --output ', ['table', 'json']],
  ['syncline --config x.yaml status --output ', ['table', 'json']],
  ['syncline quality members --format m', ['markdown']],
  // The shell completes files.
  ['syncline lint --config ', []],
  ['syncline lint --config my.yaml --on', ['--online']],
]

/** Programs that print what a shell would offer for the line in $LINE, a word a line, with the completion script in $SCRIPT. */
const askShell: Readonly<Record<string, string>> = {
  // As readline cuts a line into words: = is one of its own.
  bash: `eval "$SCRIPT"; line="\${LINE//=/ = }"; COMP_WORDS=($line); [[ $LINE == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _syncline; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // Loaded as zsh loads it; what it calls of zsh's completion system needs a terminal.
  zsh: `compdef() { }; compadd() { shift; print -l -- "$@" }; _files() { }
_describe() { print -l -- "\${(@)\${(@P)2}%%:*}" }
print -r -- "$SCRIPT" > _syncline; fpath=("$PWD"); autoload -U _syncline
words=("\${(@s: :)LINE}"); CURRENT=\${#words}; _syncline`,
  fish: 'function syncline; end; echo $SCRIPT | source; complete -C $LINE',
}
const quiet: Readonly<Record<string, readonly string[]>> = { bash: ['--norc'], zsh: ['-f'], fish: ['--no-config'] }

for (const [shell, program] of Object.entries(askShell))
  test(`the ${shell} completion completes, and takes no value of an option for a command`, async (t) => {
    if (spawnSync(shell, ['--version']).status !== 0) return t.skip(`there is no ${shell} on this machine`)
    const { out: SCRIPT } = await runHere(['completion', shell], { folder })
    const empty = mkdtempSync(join(folder, 'syncline-completion-'))
    try {
      for (const [LINE, words] of completions) {
        const { stdout, stderr } = spawnSync(shell, [...(quiet[shell] ?? []), '-c', program], {
          cwd: empty,
          encoding: 'utf8',
          env: { ...process.env, HOME: empty, LINE, SCRIPT },
        })
        assert.equal(stderr, '', LINE)
        const begun = LINE.slice(LINE.lastIndexOf(' ') + 1)
        const offered = stdout.split('\n').map((line) => line.split('\t')[0] ?? '')
        assert.deepEqual(
          offered
            .filter((word) => word !== '' && !(begun === '' && word.startsWith('-')) && word.startsWith(begun))
            .sort(),
          [...words].sort(),
          LINE,
        )
      }
    } finally {
      rmSync(empty, { recursive: true })
    }
  })

test('options of every command may stand before it; who is nearest to it wins', async () => {
  const where = async (...words: string[]) =>
    /no configuration at (\S+)\./.exec((await runHere(words, { folder })).err)?.[1]
  assert.equal(await where('--config', '/none/a.yaml', 'status'), '/none/a.yaml')
  assert.equal(await where('quarantine', '--config', '/none/a.yaml', 'list'), '/none/a.yaml')
  assert.equal(
    await where('--config', '/none/a.yaml', 'quarantine', 'list', '--config', '/none/b.yaml'),
    '/none/b.yaml',
  )
})

for (const shell of ['bash', 'zsh', 'fish'])
  test(`the ${shell} completion knows every command and option`, async (t) => {
    const { out, code } = await runHere(['completion', shell], { folder })
    assert.equal(code, 0)
    for (const row of commands) {
      for (const word of row.name.split(' ')) assert.ok(out.includes(word), row.name)
      for (const { flags } of row.options) {
        const flag = flags.split(' ')[0] as string
        assert.ok(out.includes(shell === 'fish' ? `-l ${flag.slice(2)} ` : flag), `${row.name} ${flag}`)
      }
    }
    if (spawnSync(shell, ['--version']).status !== 0) return t.diagnostic(`there is no ${shell} to try the syntax with`)
    const own = mkdtempSync(join(folder, 'syncline-completion-'))
    try {
      writeFileSync(join(own, 'script'), out)
      const { status, stderr } = spawnSync(shell, ['-n', join(own, 'script')], { encoding: 'utf8' })
      assert.equal(status, 0, stderr)
    } finally {
      rmSync(own, { recursive: true })
    }
  })
