/** A terminal with a block of lines at its end that is redrawn in place; plain lines where there is no terminal. */
export type Screen = {
  /** Whether a person watches; else lines are written now and then, and nothing is redrawn. */
  readonly isTerminal: boolean
  readonly paint: Paint
  /** Lines that a block may have. */
  rows(): number
  /** A line that stays. */
  print(text?: string): void
  /** Shows these lines below everything else, in place of the last ones. Nothing where there is no terminal. */
  show(lines: readonly string[]): void
  /** What is shown stays; what comes after it is written below. */
  keep(): void
  /** Leaves what is shown and gives the cursor back. */
  close(): void
}

/** Emphasis; without colours texts stay as they are. */
export type Paint = {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly warn: (text: string) => string
}

type Terminal = {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
  on(event: 'error', listener: () => void): unknown
}

const csi = '\u001b['
const hideCursor = `${csi}?25l`
const showCursor = `${csi}?25h`
/** Terminals that know it show all between the two at once; others ignore it (mode 2026, synchronized output). */
const beginFrame = `${csi}?2026h`
const endFrame = `${csi}?2026l`

/** https://no-color.org: set and not empty, whatever its value. */
export function paintFor(hasColours: boolean): Paint {
  const paint = (on: number, off: number) => (text: string) => (hasColours ? `${csi}${on}m${text}${csi}${off}m` : text)
  return { bold: paint(1, 22), dim: paint(2, 22), warn: paint(33, 39) }
}

/** Opens the terminal for drawing. */
export function openScreen(terminal: Terminal, variables: { readonly [name: string]: string | undefined }): Screen {
  const isTerminal = terminal.isTTY === true && variables['TERM'] !== 'dumb'
  terminal.on('error', () => {}) // whoever read us has gone: the work goes on
  let shown: readonly string[] = []
  let height = 0
  const draw = (kept: string): void => {
    const up = height > 0 ? `${csi}${height}A` : ''
    const columns = terminal.columns ?? 80
    // A block that is higher than the window could not be taken back: its end is left out.
    const fitting = shown.slice(0, Math.max(1, (terminal.rows ?? 24) - 1))
    const block = fitting.map((line) => `${cut(line, columns)}${csi}K\n`).join('')
    height = fitting.length
    terminal.write(`${beginFrame}${hideCursor}\r${up}${kept}${block}${csi}J${endFrame}`)
  }
  return {
    isTerminal,
    rows: () => (terminal.rows ?? 24) - 1,
    paint: paintFor(isTerminal && !variables['NO_COLOR']),
    print(text = '') {
      if (isTerminal) draw(`${text}${csi}K\n`)
      else terminal.write(`${text}\n`)
    },
    show(lines) {
      if (!isTerminal) return
      shown = lines
      draw('')
    },
    keep() {
      shown = []
      height = 0
    },
    close() {
      if (isTerminal) terminal.write(showCursor)
    },
  }
}

/** The first `columns` characters that are seen, the last of them a sign that there are more; sequences of the terminal take no place. */
export function cut(line: string, columns: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the terminal's own sequences
  const parts = line.split(/(\u001b\[[0-9;]*m)/)
  const isSequence = (part: string) => part.startsWith('\u001b')
  const length = parts.reduce((sum, part) => sum + (isSequence(part) ? 0 : [...part].length), 0)
  if (length <= columns) return line
  let room = columns - 1
  let result = ''
  for (const part of parts) {
    if (isSequence(part)) {
      result += part
      continue
    }
    const characters = [...part].slice(0, room)
    if (characters.length > 0 && characters.length === room) characters.push('…')
    room = Math.max(0, room - characters.length)
    result += characters.join('')
  }
  return result
}
