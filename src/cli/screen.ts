import type { Io } from './io.ts'

/**
 * stderr as a screen: lines that stay and, on a terminal, one line below them that is written again and again. Lines and that
 * line never mix.
 */
export interface Screen {
  readonly isTerminal: boolean
  /** A line that stays. */
  readonly line: (text: string) => void
  /** The line below; null takes it away. Nothing where this is no terminal. */
  readonly below: (text: string | null) => void
}

/** Opens stderr as a screen. */
export function screenOf(io: Pick<Io, 'err' | 'screen'>): Screen {
  const { write, columns } = io.screen
  let shown: string | null = null
  if (columns() === 0) return { isTerminal: false, line: io.err, below: () => {} }
  const clear = () => {
    if (shown !== null) write('\r\u001b[K')
  }
  const draw = () => {
    // A line that wraps could not be taken away again.
    if (shown !== null) write([...shown].slice(0, columns() - 1).join(''))
  }
  return {
    isTerminal: true,
    line(text) {
      clear()
      write(`${text}\n`)
      draw()
    },
    below(text) {
      clear()
      shown = text
      draw()
    },
  }
}
