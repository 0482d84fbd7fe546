import { posix } from 'node:path'
import { isTest } from './map.ts'
import { type Files, functionsOf, type SourceFile } from './source.ts'

/** Something that was longer when the rule came. It may only get shorter: the number is the present length. */
export interface Exception {
  readonly lines: number
  readonly why: string
}

export const FILE_LINES_MAX = 400
export const FUNCTION_LINES_MAX = 70

/** Literal tables, and files that a program writes: their length says nothing. */
export const tables: ReadonlySet<string> = new Set(['src/model/failures.ts'])

const isCode = (path: string): boolean => /\.(ts|mjs)$/.test(path)
const isEngine = (path: string): boolean => path.startsWith('src/') && path.endsWith('.ts') && !isTest(path)

/** Files over the limit, against the exceptions. */
export function checkFileLengths(files: Files, exceptions: Readonly<Record<string, Exception>>): string[] {
  const long = new Map<string, number>()
  for (const { path, text } of files.values()) {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    if (isCode(path) && !tables.has(path) && lines > FILE_LINES_MAX) long.set(path, lines)
  }
  return against(long, exceptions, FILE_LINES_MAX)
}

/** Functions over the limit, named `path#function`. */
export function checkFunctionLengths(files: Files, exceptions: Readonly<Record<string, Exception>>): string[] {
  const long = new Map<string, number>()
  for (const file of files.values())
    if (isCode(file.path))
      for (const { name, ownLines } of functionsOf(file))
        if (ownLines > FUNCTION_LINES_MAX) long.set(`${file.path}#${name}`, ownLines)
  return against(long, exceptions, FUNCTION_LINES_MAX)
}

function against(
  long: ReadonlyMap<string, number>,
  exceptions: Readonly<Record<string, Exception>>,
  max: number,
): string[] {
  const problems: string[] = []
  for (const [what, lines] of long) {
    const allowed = Object.hasOwn(exceptions, what) ? exceptions[what] : undefined
    if (allowed === undefined) problems.push(`${what}: ${lines} lines, at most ${max}`)
    else if (lines > allowed.lines) problems.push(`${what}: ${lines} lines, grew from ${allowed.lines}`)
  }
  for (const [what, { lines, why }] of Object.entries(exceptions)) {
    if (why.trim() === '') problems.push(`${what}: an exception needs a reason`)
    const now = long.get(what)
    if (now === undefined) problems.push(`${what}: no longer too long; take it out of the exceptions`)
    else if (now < lines) problems.push(`${what}: shrank to ${now} lines; write that instead of ${lines}`)
  }
  return problems
}

const bannedWord = /^(manager|handler|helper|util|common|base)s?$/i

/** Names that say nothing: of files, folders, and of what they export. */
export function checkNames(files: Files): string[] {
  const problems: string[] = []
  for (const { path, code } of files.values()) {
    for (const part of path.split('/').flatMap((name) => name.split(/[-._]/)))
      if (bannedWord.test(part)) problems.push(`${path}: "${part}" says nothing; name what it holds or does`)
    if (/(^|\/)index\.(ts|mjs)$/.test(path) && path !== 'src/connectors/index.ts')
      problems.push(`${path}: no barrel files`)
    for (const match of code.matchAll(
      /^export (?:default |abstract |async )*(?:function|class|interface|type|const) ([\w$]+)/gm,
    )) {
      const words = (match[1] as string).split(/(?=[A-Z])|_/)
      if (bannedWord.test(words.at(-1) as string))
        problems.push(`${path}: ${match[1]} says nothing; name what it holds or does`)
    }
  }
  return problems
}

/** What the engine gets as an argument and never takes by itself (I10), and where it comes from. */
const surroundings: readonly { readonly what: RegExp; readonly name: string; readonly only: RegExp }[] = [
  { what: /\bDate\.now\b/, name: 'Date.now', only: /^src\/std\/clock\.ts$/ },
  { what: /\bnew Date\(\s*\)|(?<!new )(?<![.\w])Date\(\s*\)/, name: 'new Date()', only: /^src\/std\/clock\.ts$/ },
  { what: /\bperformance\.now\b/, name: 'performance.now', only: /^src\/std\/clock\.ts$/ },
  { what: /\b(setTimeout|setInterval|setImmediate)\b/, name: 'timers', only: /^src\/std\/clock\.ts$/ },
  { what: /\bAbortSignal\.timeout\b/, name: 'AbortSignal.timeout', only: /^src\/std\/clock\.ts$/ },
  { what: /\bMath\.random\b/, name: 'Math.random', only: /^src\/std\/random\.ts$/ },
  { what: /(?:\bawait|\breturn|[=(,?:&|[])\s*fetch\(/, name: 'fetch', only: /^$/ },
  { what: /(?<![.\w])console\./, name: 'console', only: /^$/ },
  { what: /\bprocess\.env\b/, name: 'process.env', only: /^$/ },
]
/** Programs of their own, and the edges of this one. */
const edges = /^src\/(emulators|testing|cli|server)\//

/** Time, randomness, network and environment are given to the engine. */
export function checkSurroundings(files: Files): string[] {
  const inner = [...files.values()].filter(({ path }) => isEngine(path) && !edges.test(path))
  return surroundings.flatMap(({ what, name, only }) =>
    inner.flatMap((file) => (only.test(file.path) ? [] : linesWith(file, what).map((at) => `${at}: ${name}`))),
  )
}

/** Packages that one file knows. */
const owned: readonly { readonly from: RegExp; readonly only: RegExp }[] = [
  { from: /^node:sqlite$/, only: /^src\/(store\/sqlite\.ts$|emulators\/)/ },
  { from: /^undici$/, only: /^src\/std\/http\.ts$/ },
]

/** A package that one file owns is imported nowhere else. */
export function checkOwners(files: Files): string[] {
  return [...files.values()].flatMap(({ path, imports }) =>
    imports.flatMap(({ from }) => {
      const owner = owned.find((one) => one.from.test(from))
      return owner === undefined || !isEngine(path) || owner.only.test(path) ? [] : [`${path}: imports ${from}`]
    }),
  )
}

/** Words of the language that the sources do without. `erasableSyntaxOnly` finds some too; here they have a name. */
const syntax: readonly { readonly what: RegExp; readonly name: string }[] = [
  { what: /(?:[:<,|&(]\s*|\bas |\bextends )any\b(?!\s*[:(.?])|\bany\[\]/, name: 'any' },
  { what: /^\s*(?:export )?(?:declare )?(?:const )?enum\s+\w/, name: 'enum' },
  { what: /^\s*(?:export )?(?:declare )?(?:namespace|module)\s+\w/, name: 'namespace' },
  {
    what: /\bconstructor\((?:[^)]*,\s*)?(?:private|public|protected|readonly)\s+[\w$]+\s*[?:]/,
    name: 'parameter property',
  },
]

/** `any` (tests may, with Biome's leave), enums, namespaces, parameter properties. */
export function checkSyntax(files: Files): string[] {
  return [...files.values()]
    .filter(({ path }) => path.endsWith('.ts'))
    .flatMap((file) =>
      syntax.flatMap(({ what, name }) =>
        name === 'any' && isTest(file.path) ? [] : linesWith(file, what).map((at) => `${at}: ${name}`),
      ),
    )
}

const unfinished = new RegExp(`\\b(${['TO', 'DO'].join('')}|FIX${'ME'}|X${'X'}X)\\b`)
const machine = /(?:^|[\s"'`(=:])(?:\/(?:home|Users|work)\/[\w.-]+\/|[A-Z]:\\\\?Users\\)/

/** Nothing unfinished, and no path of the machine that it was written on. */
export function checkText(files: Files): string[] {
  return [...files.values()].flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, i) => [
        ...(unfinished.test(line) ? [`${path}:${i + 1}: unfinished`] : []),
        ...(machine.test(line) ? [`${path}:${i + 1}: a path of somebody's machine`] : []),
      ]),
  )
}

/** Failure codes: every one that is used is in the table, and every one in the table is used. */
export function checkCodes(files: Files, table: readonly string[]): string[] {
  const used = new Map<string, string>()
  for (const { path, text } of files.values())
    if (path !== 'src/model/failures.ts' && !/^test\/tidy/.test(path))
      for (const [code] of text.matchAll(/\bSYNC-\d{4}\b/g)) if (!used.has(code) || isEngine(path)) used.set(code, path)
  const unknown = [...used]
    .filter(([code]) => !table.includes(code))
    .map(([code, path]) => `${path}: ${code} is not in the table`)
  const unused = table
    .filter((code) => !isEngine(used.get(code) ?? ''))
    .map((code) => `${code}: nothing fails with this code`)
  return [...unknown, ...unused]
}

const exported =
  /^export (?:default |abstract |async |declare )*(?:(?:function\*?|class|interface|type) ([\w$]+)|const ([\w$]+)(?:: [^=]+)? = (?:async )?(?:<[^=]*>)?(?:\([^=]*\)(?:: [^=]+)?|[\w$]+) =>)/

/** Everything exported says what it means. */
export function checkDocstrings(files: Files): string[] {
  const problems: string[] = []
  for (const { path, text, code } of files.values()) {
    if (!isEngine(path)) continue
    const lines = text.split('\n')
    const seen = new Set<string>()
    code.split('\n').forEach((line, i) => {
      const match =
        exported.exec(line) ??
        exported.exec(
          `${line} ${code
            .split('\n')
            .slice(i + 1, i + 8)
            .join(' ')}`,
        )
      const name = match?.[1] ?? match?.[2]
      if (name === undefined || !line.startsWith('export') || seen.has(name)) return
      seen.add(name)
      let above = i - 1
      while (above >= 0 && /^\/\/ biome-ignore|^@/.test(lines[above] as string)) above -= 1
      if (!/\*\/\s*$/.test(lines[above] ?? '')) problems.push(`${path}:${i + 1}: ${name} has no docstring`)
    })
  }
  return problems
}

/** Markdown: one title, and every path that it names is there. */
export function checkMarkdown(files: Files, exists: (path: string) => boolean): string[] {
  return [...files.values()].filter(({ path }) => path.endsWith('.md')).flatMap((file) => checkPage(file, exists))
}

function checkPage({ path, text }: SourceFile, exists: (path: string) => boolean): string[] {
  const prose = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '')
  const titles = prose.split('\n').filter((line) => /^# \S/.test(line)).length
  const problems = titles === 1 ? [] : [`${path}: ${titles} titles, one is right`]
  const named = [...prose.matchAll(/`((?:src|test|bench|docs|examples|scripts)\/[\w./*-]*)`/g)].map(
    (match) => match[1] as string,
  )
  const linked = [...prose.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)].map((match) =>
    posix.join(posix.dirname(path), match[1] as string),
  )
  for (const target of [...named, ...linked]) {
    const fixed = target.replace(/\/?[^/]*\*.*$/, '')
    if (fixed !== '' && !exists(fixed)) problems.push(`${path}: there is no ${target}`)
  }
  return problems
}

const linesWith = ({ path, code }: SourceFile, what: RegExp): string[] =>
  code.split('\n').flatMap((line, i) => (what.test(line) ? [`${path}:${i + 1}`] : []))
