/** A terminal in memory that knows what screen.ts writes: to draw a picture of a real run, and for tests. */
export type Memory = {
  readonly isTTY: true
  readonly columns: number
  readonly rows: number
  write(text: string): boolean
  on(event: 'error', listener: () => void): void
  /** What stands there now, from the first line that was ever written. */
  lines(): readonly (readonly Span[])[]
}

/** A piece of a line in one style. */
export type Span = { readonly text: string; readonly column: number; readonly style: Style }
export type Style = { readonly bold: boolean; readonly dim: boolean; readonly warn: boolean }

type Cell = { readonly character: string; readonly style: Style }

const plain: Style = { bold: false, dim: false, warn: false }
const styles: { readonly [code: string]: Partial<Style> } = {
  0: plain,
  1: { bold: true },
  2: { dim: true },
  22: { bold: false, dim: false },
  33: { warn: true },
  39: { warn: false },
}

/** A terminal of this size. Unknown sequences are an error: the picture would show something else than a person sees. */
export function memoryTerminal(columns: number, rows: number): Memory {
  const grid: Cell[][] = [[]]
  let line = 0
  let column = 0
  let style = plain
  const put = (character: string): void => {
    const cells = grid[line]!
    while (cells.length < column) cells.push({ character: ' ', style: plain })
    cells[column++] = { character, style }
  }
  const obey = (parameters: string, command: string): void => {
    if (command === 'A') line = Math.max(0, line - Number(parameters))
    else if (command === 'K' || command === 'J') {
      grid[line]!.length = Math.min(grid[line]!.length, column)
      if (command === 'J') grid.length = line + 1
    } else if (command === 'm') style = { ...style, ...styles[parameters] }
    else if (!/^\?(25|2026)$/.test(parameters))
      throw new Error(`the terminal does not know CSI ${parameters}${command}`)
  }
  return {
    isTTY: true,
    columns,
    rows,
    on() {},
    write(text) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the terminal's own sequences
      for (const [whole, parameters, command] of text.matchAll(/\u001b\[([?0-9;]*)([A-Za-z])|[\s\S]/gu)) {
        if (command !== undefined) obey(parameters ?? '', command)
        else if (whole === '\r') column = 0
        else if (whole === '\n') {
          line++
          column = 0
          grid[line] ??= []
        } else put(whole)
      }
      return true
    },
    lines: () => grid.map(spansOf),
  }
}

function spansOf(cells: readonly Cell[]): Span[] {
  const spans: { text: string; column: number; style: Style }[] = []
  for (const [column, { character, style }] of cells.entries()) {
    const last = spans.at(-1)
    const isSame = last !== undefined && same(last.style, style)
    if (isSame) last.text += character
    else spans.push({ text: character, column, style })
  }
  return spans.filter(({ text }) => text.trim() !== '')
}

const same = (a: Style, b: Style): boolean => a.bold === b.bold && a.dim === b.dim && a.warn === b.warn
