/**
 * Draws docs/images/start.svg: what `npm start` shows after a minute. It is a real run on a fresh copy of the example, written
 * into a terminal in memory; no figure is made up. `node examples/members/picture.ts [seconds]`
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { readOptions } from './options.ts'
import { runScenario } from './scenario.ts'
import { openScreen } from './screen.ts'
import { type Memory, memoryTerminal, type Span } from './terminal.ts'

const columns = 98
const rows = 40
const cell = { width: 8.4, height: 20 }
const margin = 28
const barHeight = 40
const colours = { card: '#14171c', bar: '#1c2027', text: '#d7dce3', dim: '#828b98', bold: '#ffffff', warn: '#e3b341' }

/** The scenario in a folder of its own, for so long. */
async function record(seconds: number): Promise<Memory> {
  const example = fileURLToPath(new URL('./', import.meta.url))
  const root = await mkdtemp(join(tmpdir(), 'syncline-picture-'))
  const folder = join(root, 'examples', 'members')
  await mkdir(folder, { recursive: true })
  for (const name of ['syncline.yaml', 'salesforce.yaml', 'member.schema.json'])
    await cp(join(example, name), join(folder, name))
  process.chdir(root) // paths are shown as seen from there
  const home = join(root, '.cache', 'members')
  await mkdir(home, { recursive: true })
  const terminal = memoryTerminal(columns, rows)
  const options = readOptions([])
  if (typeof options === 'string') throw new Error(options)
  const end = new AbortController()
  const places = { config: join(folder, 'syncline.yaml'), folder: home, setup: join(folder, 'salesforce.yaml') }
  const run = runScenario(options, places, openScreen(terminal, {}), end.signal)
  try {
    await Promise.race([sleep(seconds * 1_000), run])
    const shown = terminal.lines()
    return { ...terminal, lines: () => shown }
  } finally {
    end.abort(new Error('the picture is taken'))
    await run.catch(() => {}) // what went wrong before is told by the race
    process.chdir('/')
    await rm(root, { recursive: true, force: true })
  }
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

function svgSpan({ text, column, style }: Span, y: number): string {
  const fill = style.warn ? colours.warn : style.bold ? colours.bold : style.dim ? colours.dim : colours.text
  const lead = text.length - text.trimStart().length
  const trimmed = text.trim()
  const x = margin + (column + lead) * cell.width
  const weight = style.bold ? ' font-weight="600"' : ''
  // The length is fixed, so that columns stay aligned in whatever monospace font the reader has.
  const length = ` textLength="${([...trimmed].length * cell.width).toFixed(1)}" lengthAdjust="spacingAndGlyphs"`
  return `<text x="${x.toFixed(1)}" y="${y}" fill="${fill}"${weight}${length} xml:space="preserve">${escaped(trimmed)}</text>`
}

/** The card: a dark window with the lines in it. */
function svg(lines: readonly (readonly Span[])[]): string {
  const width = Math.round(columns * cell.width + 2 * margin)
  const height = barHeight + lines.length * cell.height + margin
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (fill, i) => `<circle cx="${margin + i * 20}" cy="${barHeight / 2}" r="6" fill="${fill}"/>`,
  )
  const texts = lines.flatMap((spans, i) => spans.map((span) => svgSpan(span, barHeight + 22 + i * cell.height)))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="A terminal with npm start: PostgreSQL and the Salesforce emulator have started, the snapshot is confirmed, live edits are delivered, and quarantined records are listed by cause.">
<rect width="${width}" height="${height}" rx="10" fill="${colours.card}"/>
<path d="M0 ${barHeight}V10A10 10 0 0 1 10 0H${width - 10}A10 10 0 0 1 ${width} 10V${barHeight}Z" fill="${colours.bar}"/>
${dots.join('\n')}
<g font-family="ui-monospace, SFMono-Regular, 'JetBrains Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
${texts.join('\n')}
</g>
</svg>
`
}

const seconds = Number(process.argv[2] ?? 60)
const output = fileURLToPath(new URL('../../docs/images/start.svg', import.meta.url))
const terminal = await record(seconds)
const prompt: Span[] = [
  { text: '$', column: 0, style: { bold: false, dim: true, warn: false } },
  { text: 'npm start', column: 2, style: { bold: true, dim: false, warn: false } },
]
const lines = terminal.lines()
const last = lines.findLastIndex((spans) => spans.length > 0)
await mkdir(fileURLToPath(new URL('../../docs/images/', import.meta.url)), { recursive: true })
await writeFile(output, svg([prompt, ...lines.slice(0, last + 1)]))
process.stderr.write(`${output}\n`)
