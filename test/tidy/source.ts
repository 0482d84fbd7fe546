import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

/** One file of the repository, read and taken apart. */
export interface SourceFile {
  /** From the root of the repository, with slashes. */
  readonly path: string
  readonly text: string
  /** The text with comments and the insides of strings, templates and regular expressions blanked; same length, same lines. */
  readonly code: string
  readonly imports: readonly Import[]
}

/** One reference to another file or package. */
export interface Import {
  readonly from: string
  readonly typeOnly: boolean
  /** The file of the repository that it means; null for packages. */
  readonly target: string | null
}

export type Files = ReadonlyMap<string, SourceFile>

const folders = ['src', 'test', 'bench', 'examples', 'scripts', 'docs']
const skipped = /(^|\/)(node_modules|dist|data|\.[^/]+)$/

/** Every file with text that people write: code, SQL, Markdown. */
export function readRepository(root: string): Files {
  const paths = readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() && entry.name.endsWith('.md') ? [entry.name] : [],
  )
  for (const folder of folders) paths.push(...walk(root, folder))
  return new Map(paths.sort().map((path) => [path, sourceFile(path, readFileSync(join(root, path), 'utf8'))]))
}

function walk(root: string, folder: string): string[] {
  let entries: ReturnType<typeof list>
  try {
    entries = list(join(root, folder))
  } catch {
    return [] // an optional folder
  }
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return skipped.test(path) && path !== 'examples/members/data' ? [] : walk(root, path)
    return /\.(ts|mjs|md|sql)$/.test(entry.name) ? [path] : []
  })
}

const list = (folder: string) => readdirSync(folder, { withFileTypes: true })

/** A file from its text alone. */
export function sourceFile(path: string, text: string): SourceFile {
  const isCode = /\.(ts|mjs)$/.test(path)
  const code = isCode ? blank(text) : text
  return { path, text, code, imports: isCode ? importsOf(path, text, code) : [] }
}

/** Import and export lines, dynamic imports, and workers named by `new URL('./x.ts', import.meta.url)`. */
function importsOf(path: string, text: string, code: string): Import[] {
  const found: Import[] = []
  const add = (start: number, length: number, typeOnly: boolean) => {
    const from = text.slice(start, start + length)
    found.push({ from, typeOnly, target: from.startsWith('.') ? posix.join(dirname(path), from) : null })
  }
  for (const match of code.matchAll(/^(import|export)\b(\s+type\b)?[^;'"`]*?\bfrom\s*(['"])( *)\3/gm))
    add(
      match.index + match[0].length - 1 - (match[4] as string).length,
      (match[4] as string).length,
      match[2] !== undefined,
    )
  for (const match of code.matchAll(/\bimport\s*\(?\s*(['"])( *)\1/g))
    add(match.index + match[0].length - 1 - (match[2] as string).length, (match[2] as string).length, false)
  for (const match of code.matchAll(/\bnew URL\([\s\S]{0,300}?import\.meta\.url\s*,?\s*\)/g))
    for (const part of match[0].matchAll(/(['"])( *)\1/g)) {
      const start = match.index + part.index + 1
      const named = text.slice(start, start + (part[2] as string).length)
      if (/^\.{1,2}\/.*\.ts$/.test(named)) add(start, named.length, false)
    }
  return found
}

/** What may stand before a regular expression, where a division could not. */
const beforeRegex = /(^|[(,=:[!&|?{};+\-*%~^<>\n]|\b(?:return|typeof|case|in|of|yield|await|void|else|do))\s*$/

/** Blanks comments and the insides of strings, templates and regular expressions, keeping every offset and line. */
export function blank(text: string): string {
  const out = text.split('')
  /** Depths of the open `${` of templates, innermost last. */
  const holes: number[] = []
  let depth = 0
  for (let i = 0; i < text.length; ) {
    const before = out.slice(Math.max(0, i - 20), i).join('')
    const inTemplate = text[i] === '`' || (text[i] === '}' && holes.at(-1) === depth)
    const end = inTemplate ? templateEnd(text, i + 1) : literalEnd(text, i, before)
    if (end === null) {
      if (text[i] === '{') depth += 1
      else if (text[i] === '}') depth -= 1
      i += 1
      continue
    }
    if (inTemplate && text[i] === '}') holes.pop()
    if (inTemplate && text[end - 1] === '{') holes.push(depth)
    const isComment = text[i] === '/' && (text[i + 1] === '/' || text[i + 1] === '*')
    const last = isComment ? end : end - (text[end - 1] === '{' ? 2 : 1)
    for (let at = isComment ? i : i + 1; at < last; at++) if (out[at] !== '\n') out[at] = ' '
    i = end
  }
  return out.join('')
}

/** Where the comment, string or regular expression that starts here ends; null when none does. */
function literalEnd(text: string, at: number, before: string): number | null {
  const c = text[at]
  if (c === "'" || c === '"') return quoteEnd(text, at + 1, c)
  if (c !== '/') return null
  if (text[at + 1] === '/') return to(text, at, '\n')
  if (text[at + 1] === '*') return to(text, at, '*/') + 2
  return beforeRegex.test(before) ? regexEnd(text, at + 1) : null
}

const to = (text: string, from: number, mark: string): number => {
  const at = text.indexOf(mark, from)
  return at === -1 ? text.length : at
}

function quoteEnd(text: string, from: number, quote: string): number {
  let i = from
  while (i < text.length && text[i] !== quote && text[i] !== '\n') i += text[i] === '\\' ? 2 : 1
  return i + 1
}

function regexEnd(text: string, from: number): number {
  let inClass = false
  let i = from
  for (; i < text.length && text[i] !== '\n'; i++) {
    if (text[i] === '\\') i += 1
    else if (text[i] === '[') inClass = true
    else if (text[i] === ']') inClass = false
    else if (text[i] === '/' && !inClass) break
  }
  return i + 1
}

/** After the closing backtick, or after the `${` of the next hole. */
function templateEnd(text: string, from: number): number {
  let i = from
  while (i < text.length && text[i] !== '`' && !(text[i] === '$' && text[i + 1] === '{')) i += text[i] === '\\' ? 2 : 1
  return text[i] === '`' ? i + 1 : i + 2
}

/** A function with a body of several lines. Its own lines are those that are in no named function inside it. */
export interface FunctionSpan {
  readonly name: string
  /** From 1. */
  readonly line: number
  readonly ownLines: number
}

/**
 * The functions of a formatted file, by indentation: the line that closes a body is the first with the indentation of the line
 * that opens it. A function made of named functions (a factory, an object of methods) is as long as what is left without them.
 */
export function functionsOf({ code }: SourceFile): FunctionSpan[] {
  const lines = code.split('\n')
  const spans: { name: string; from: number; to: number }[] = []
  lines.forEach((line, i) => {
    if (!line.endsWith('{')) return
    const head = headOf(lines, i)
    const name = nameOf(lines.slice(head, i + 1).join(' '))
    if (name === null) return
    const close = lines.findIndex((other, at) => at > i && indent(other) === indent(line) && /^\s*\}/.test(other))
    spans.push({ name, from: head, to: close === -1 ? lines.length - 1 : close })
  })
  return spans
    .filter((span) => span.name !== '')
    .map(({ name, from, to }) => {
      const inside = spans.filter((other) => other.name !== '' && other.from > from && other.to <= to)
      const outer = inside.filter(
        (one) => !inside.some((two) => two !== one && two.from < one.from && two.to >= one.to),
      )
      const nested = outer.reduce((sum, other) => sum + other.to - other.from + 1, 0)
      return { name, line: from + 1, ownLines: to - from + 1 - nested }
    })
}

const indent = (line: string): number => line.length - line.trimStart().length

/** The first line of a signature that ends in this line. */
function headOf(lines: readonly string[], at: number): number {
  let head = at
  while (head > 0 && /^\s*[)}\]]/.test(lines[head] as string)) {
    const depth = indent(lines[head] as string)
    head -= 1
    while (head > 0 && ((lines[head] as string).trim() === '' || indent(lines[head] as string) > depth)) head -= 1
  }
  return head
}

/** The name of the function whose signature this is; '' for a callback, which belongs to its caller; null for other blocks. */
function nameOf(signature: string): string | null {
  const text = signature.trim()
  const declared = /\bfunction\b\s*\*?\s*([\w$]*)/.exec(text)
  if (declared !== null) return declared[1] === '' ? '' : (declared[1] as string)
  const held = /^(?:export )?(?:const|let) ([\w$]+)\b[^=]*= (?:async )?(?:<.*>)?\(?.*=> \{$/.exec(text)
  if (held !== null) return held[1] as string
  const property = /^(?:readonly )?([\w$#]+): (?:async )?\(?[^()]*\)?(?:: [^=]+)? => \{$/.exec(text)
  if (property !== null) return property[1] as string
  if (text.endsWith('=> {')) return ''
  if (
    /^(if|for|while|switch|catch|else|return|do|try|with|\}|new|await|throw|class|interface|type|import|export)\b/.test(
      text,
    )
  )
    return null
  const method =
    /^(?:(?:static|async|get|set|override|private|public|protected) )*\*?([\w$#]+|\[[^\]]+\])(?:<.*>)?\(.*\)(?:: .+)? \{$/.exec(
      text,
    )
  return method === null ? null : (method[1] as string)
}
