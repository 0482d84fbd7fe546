import { dirname, isAbsolute, resolve } from 'node:path'
import type { FailureCode } from '../model/failure.ts'

/** What the configuration may read from its surroundings. Given as an argument, so that tests and `lint` decide. */
export interface Surroundings {
  /** Environment variables, captured once. */
  readonly variables: { readonly [name: string]: string | undefined }
  /** The whole file as bytes. Throws as node:fs does. */
  readonly readFile: (path: string) => Uint8Array
  /** Its permission bits (`0o600`), or `undefined` where the system has none. Throws as node:fs does. */
  readonly mode: (path: string) => number | undefined
}

/** A text with references in it: literal pieces and references in turn. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'variable'
      readonly name: string
      readonly otherwise: string | undefined
      /** Written as shells do: `${NAME:-default}`. */
      readonly shell: boolean
      readonly text: string
    }
  | { readonly kind: 'file'; readonly path: string; readonly text: string }

/** Why a reference gives nothing. Never shows the value. */
export class ReferenceProblem extends Error {
  readonly code: FailureCode

  constructor(code: FailureCode, message: string) {
    super(message)
    this.name = 'ReferenceProblem'
    this.code = code
  }
}

const fileBytesMax = 1_000_000

/**
 * Splits a text at its references: `${NAME}`, `${NAME:default}`, `${NAME:-default}` (as shells write it) and `${file:/path}`;
 * `${{NAME}}` stands for the text `${NAME}`. Throws a `ReferenceProblem` for what looks like a reference and is none.
 */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = []
  let literal = ''
  let at = 0
  while (at < text.length) {
    const next = text.indexOf('${', at)
    if (next === -1) break
    literal += text.slice(at, next)
    if (text.startsWith('${{', next)) {
      const end = text.indexOf('}}', next)
      if (end === -1) throw new ReferenceProblem('SYNC-1022', '${{ is not closed by }}')
      literal += `\${${text.slice(next + 3, end)}}`
      at = end + 2
      continue
    }
    const end = text.indexOf('}', next)
    if (end === -1) throw new ReferenceProblem('SYNC-1022', '${ is not closed by }')
    if (literal !== '') pieces.push({ kind: 'text', text: literal })
    literal = ''
    pieces.push(reference(text.slice(next, end + 1), text.slice(next + 2, end)))
    at = end + 1
  }
  literal += text.slice(at)
  if (literal !== '' || pieces.length === 0) pieces.push({ kind: 'text', text: literal })
  return pieces
}

function reference(text: string, inner: string): Piece {
  if (inner.startsWith('file:')) {
    const path = inner.slice(5)
    if (path === '') throw new ReferenceProblem('SYNC-1022', `${text} names no file`)
    return { kind: 'file', path, text }
  }
  const match = /^([A-Za-z_][A-Za-z0-9_]{0,255})(?::(-?)([\s\S]*))?$/.exec(inner)
  if (match === null) throw new ReferenceProblem('SYNC-1022', 'this is not a reference to a variable')
  const [, name = '', dash, otherwise] = match
  // A default may be a secret in the wrong place: it is not shown.
  const shown = otherwise === undefined ? text : `\${${name}:…}`
  return { kind: 'variable', name, otherwise, shell: dash === '-', text: shown }
}

/** Whether the text is one reference and nothing else. */
export function isWhole(pieces: readonly Piece[]): boolean {
  return pieces.length === 1 && pieces[0]!.kind !== 'text'
}

/**
 * The text with its references replaced, once: what comes out is not searched again. `secret`: files must not be readable by
 * everybody, and variables must not have a default in clear. Throws a `ReferenceProblem`.
 */
export function fill(pieces: readonly Piece[], from: string, secret: boolean, around: Surroundings): string {
  return pieces.map((piece) => (piece.kind === 'text' ? piece.text : contentOf(piece, from, secret, around))).join('')
}

function contentOf(
  piece: Exclude<Piece, { kind: 'text' }>,
  from: string,
  secret: boolean,
  around: Surroundings,
): string {
  if (piece.kind === 'file') return fileText(piece.path, from, secret, around)
  const value = Object.hasOwn(around.variables, piece.name) ? around.variables[piece.name] : undefined
  // As in shells with `:-`, an empty variable counts as one that is not set.
  if (value !== undefined && value !== '') return value
  if (piece.otherwise === undefined)
    throw new ReferenceProblem(
      'SYNC-1008',
      `the environment variable ${piece.name} is ${value === '' ? 'empty' : 'not set'}`,
    )
  if (secret && piece.otherwise !== '')
    throw new ReferenceProblem('SYNC-1007', `the default of ${piece.name} is a secret in clear`)
  return piece.otherwise
}

function fileText(written: string, from: string, secret: boolean, around: Surroundings): string {
  const path = isAbsolute(written) ? written : resolve(dirname(from), written)
  let bytes: Uint8Array
  try {
    bytes = around.readFile(path)
    const mode = around.mode(path)
    if (secret && mode !== undefined && (mode & 0o007) !== 0)
      throw new ReferenceProblem(
        'SYNC-1009',
        `${path} can be read by everybody (mode ${(mode & 0o777).toString(8).padStart(4, '0')}): chmod 0600 ${path}`,
      )
  } catch (error) {
    if (error instanceof ReferenceProblem) throw error
    throw new ReferenceProblem('SYNC-1009', `${path} cannot be read: ${reasonOf(error)}`)
  }
  if (bytes.byteLength > fileBytesMax)
    throw new ReferenceProblem('SYNC-1009', `${path} is larger than ${fileBytesMax} bytes`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new ReferenceProblem('SYNC-1009', `${path} is not UTF-8`)
  }
  // Editors end files with one line end, which nobody means to be part of the value; any more are kept.
  const trimmed = text.replace(/\r?\n$/, '')
  if (trimmed === '') throw new ReferenceProblem('SYNC-1009', `${path} is empty`)
  return trimmed
}

/** Why the system did not read a file, in words. */
export function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  switch (code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EACCES':
    case 'EPERM':
      return 'permission denied'
    case 'EISDIR':
      return 'it is a folder'
    default:
      return typeof code === 'string' ? code : 'it is not readable'
  }
}
