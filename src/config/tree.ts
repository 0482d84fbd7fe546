import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import type { FailureCode } from '../model/failure.ts'
import { refusedName } from '../std/names.ts'

/** A place in a file, both from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** What was read, with places; the shape of YAML without its notation. */
export type Tree = MapTree | ListTree | ScalarTree

/** A map, its entries in the order of the file. */
export interface MapTree {
  readonly kind: 'map'
  readonly at: Place
  readonly entries: readonly { readonly key: string; readonly at: Place; readonly value: Tree }[]
}

interface ListTree {
  readonly kind: 'list'
  readonly at: Place
  readonly items: readonly Tree[]
}

/** A single value. A quoted text is a text, whatever it looks like. */
export interface ScalarTree {
  readonly kind: 'scalar'
  readonly at: Place
  readonly value: string | number | boolean | null
  /** As it stands in the file, without quotes. */
  readonly source: string
  /** Without quotes: YAML decided what it is. */
  readonly plain: boolean
}

/** Something wrong in the file, before anybody asks what it means. */
export interface Problem {
  readonly code: FailureCode
  readonly message: string
  readonly at: Place
}

/** `marks`: characters that structure YAML. The parser takes about 10 µs for each, so this is what bounds its time to a second. */
export const limits = { bytes: 1_000_000, depth: 64, aliases: 100, nodes: 50_000, marks: 80_000 } as const

/**
 * Reads YAML 1.2 by its core schema: only `true`, `false`, `null`, `~` and numbers are not texts. All problems at once, except
 * that a file that is no YAML has its first syntax error, as what the parser says of the rest mostly follows from it; every tab
 * is named.
 */
export function parseTree(text: string): { readonly tree: Tree } | { readonly problems: Problem[] } {
  const start: Place = { line: 1, column: 1 }
  if (Buffer.byteLength(text) > limits.bytes)
    return { problems: [{ code: 'SYNC-1010', message: `the file is larger than ${limits.bytes} bytes`, at: start }] }
  // Brackets in brackets are recursion in any parser: they are counted before one sees them.
  const marks = text.match(/[:,&*!?[\]{}\n]|- /g)?.length ?? 0
  if (marks > limits.marks) {
    const message = `the file has ${marks} line ends and other marks, at most ${limits.marks} are allowed`
    return { problems: [{ code: 'SYNC-1010', message, at: start }] }
  }
  const deep = tooDeep(text)
  if (deep !== undefined) return { problems: [{ code: 'SYNC-1010', message: tooDeepMessage, at: deep }] }
  const counter = new LineCounter()
  let document: Document.Parsed
  try {
    document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      strict: true,
      uniqueKeys: false,
      merge: false,
      prettyErrors: false,
      lineCounter: counter,
    })
  } catch {
    return { problems: [{ code: 'SYNC-1002', message: 'the file cannot be read as YAML', at: start }] }
  }
  const place = (offset: number): Place => {
    const { line, col } = counter.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) {
    const sorted = faults.toSorted((a, b) => a.pos[0] - b.pos[0])
    const told = sorted.filter(({ code }, i) => code === 'TAB_AS_INDENT' || i === 0).slice(0, 20)
    return {
      problems: told.map((fault) => ({
        code: 'SYNC-1002',
        message: syntax(fault.code, fault.message),
        at: place(fault.pos[0]),
      })),
    }
  }
  const reader = { document, place, problems: [] as Problem[], nodes: 0, aliases: 0 }
  const tree = convert(document.contents as Node | null, reader, 0, 0)
  return reader.problems.length > 0 ? { problems: reader.problems } : { tree }
}

interface Reader {
  readonly document: Document.Parsed
  readonly place: (offset: number) => Place
  readonly problems: Problem[]
  nodes: number
  aliases: number
}

const tooDeepMessage = `more than ${limits.depth} levels are nested here`

/** The first place where flow collections or block indents go too deep; texts in quotes count too, which is harmless at 64. */
function tooDeep(text: string): Place | undefined {
  let depth = 0
  let line = 1
  let lineStart = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 10) {
      line++
      lineStart = at + 1
    } else if (code === 91 || code === 123) {
      if (++depth > limits.depth) return { line, column: at - lineStart + 1 }
    } else if (code === 93 || code === 125) depth = Math.max(0, depth - 1)
    // `- - - -` and `? ? ?` nest on one line.
    else if ((code === 45 || code === 63) && at === lineStart) {
      const marks = /^(?:[-?] +){65}/.exec(text.slice(at, at + 1_000))
      if (marks !== null) return { line, column: 1 }
    }
  }
  return undefined
}

/** Where the parser's own words help only who knows how parsers work. */
const syntaxTexts: ReadonlyMap<string, string> = new Map([
  ['TAB_AS_INDENT', 'a tab is used for indentation; YAML is indented with spaces'],
  ['MULTIPLE_DOCS', 'the file holds more than one document (---); one is expected'],
  [
    'BLOCK_AS_IMPLICIT_KEY',
    'a second `key: ` stands on this line: a text that holds `: ` needs quotes, or a quote before it is not closed',
  ],
  ['MULTILINE_IMPLICIT_KEY', 'this key goes on over several lines: a quote or a bracket, here or above, is not closed'],
  ['BAD_INDENT', 'this line is indented otherwise than those that it belongs to'],
])

function syntax(code: string, message: string): string {
  const own = message.split('\n')[0]!.slice(0, 300)
  const readable = own
    .replace('flow map items', 'the entries of { }')
    .replace('flow sequence items', 'the items of [ ]')
  return syntaxTexts.get(code) ?? readable
}

function convert(node: Node | null | undefined, reader: Reader, depth: number, fallback: number): Tree {
  const offset = node?.range?.[0] ?? fallback
  const at = reader.place(offset)
  const nothing: ScalarTree = { kind: 'scalar', at, value: null, source: '', plain: true }
  reader.nodes++
  if (reader.nodes > limits.nodes || depth > limits.depth) {
    const message =
      depth > limits.depth
        ? tooDeepMessage
        : `the file, with its aliases written out, has more than ${limits.nodes} values`
    if (!reader.problems.some((problem) => problem.code === 'SYNC-1010'))
      reader.problems.push({ code: 'SYNC-1010', message, at })
    return nothing
  }
  if (node === null || node === undefined) return nothing
  if (isAlias(node)) return convertAlias(node, reader, depth, offset)
  if (isMap(node))
    return convertMap(node.items as readonly { key: unknown; value: unknown }[], at, reader, depth, offset)
  if (isSeq(node)) {
    const items: Tree[] = []
    for (const item of node.items) {
      items.push(convert(item as Node, reader, depth + 1, offset))
      if (reader.nodes > limits.nodes) break
    }
    return { kind: 'list', at, items }
  }
  if (!isScalar(node)) return nothing
  const plain = node.type === 'PLAIN'
  const value: unknown = node.value
  const source = node.source ?? String(value ?? '')
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return { kind: 'scalar', at, value, source, plain }
  reader.problems.push({ code: 'SYNC-1002', message: 'this kind of value is not supported', at })
  return nothing
}

function convertAlias(node: Alias, reader: Reader, depth: number, offset: number): Tree {
  reader.aliases++
  if (reader.aliases > limits.aliases) {
    if (reader.aliases === limits.aliases + 1)
      reader.problems.push({
        code: 'SYNC-1010',
        message: `more than ${limits.aliases} aliases are used`,
        at: reader.place(offset),
      })
    return { kind: 'scalar', at: reader.place(offset), value: null, source: '', plain: true }
  }
  return convert(node.resolve(reader.document), reader, depth + 1, offset)
}

function convertMap(
  pairs: readonly { key: unknown; value: unknown }[],
  at: Place,
  reader: Reader,
  depth: number,
  offset: number,
): MapTree {
  const entries: { key: string; at: Place; value: Tree }[] = []
  const seen = new Map<string, Place>()
  for (const { key: keyNode, value } of pairs) {
    if (reader.nodes > limits.nodes) break
    const keyOffset = (keyNode as Node | null)?.range?.[0] ?? offset
    const keyAt = reader.place(keyOffset)
    if (!isScalar(keyNode)) {
      reader.problems.push({ code: 'SYNC-1005', message: 'a key must be a plain name', at: keyAt })
      continue
    }
    // The key as it was written: `0123: x` has the key 0123, not 123.
    const key = keyNode.type === 'PLAIN' ? (keyNode.source ?? String(keyNode.value ?? '')) : String(keyNode.value)
    const earlier = seen.get(key)
    if (earlier !== undefined)
      reader.problems.push({
        code: 'SYNC-1004',
        message: `key '${short(key)}' given twice (lines ${earlier.line} and ${keyAt.line})`,
        at: keyAt,
      })
    else if (refusedName(key.split('.')) !== undefined)
      reader.problems.push({ code: 'SYNC-1011', message: `the name "${short(key)}" is not allowed`, at: keyAt })
    else entries.push({ key, at: keyAt, value: convert(value as Node | null, reader, depth + 1, keyOffset) })
    seen.set(key, earlier ?? keyAt)
  }
  return { kind: 'map', at, entries }
}

/** A name as a message may show it. */
export function short(name: string): string {
  const safe = JSON.stringify(name.slice(0, 60)).slice(1, -1)
  return name.length > 60 ? `${safe}…` : safe
}
