import { extname, resolve } from 'node:path'
import { compile, flowNames } from '../app/build.ts'
import { lengthOf } from '../app/quality-report.ts'
import { type ReportForm, writeWhole } from '../app/quality-schedule.ts'
import { configuration } from './configuration.ts'
import { exits } from './exit.ts'
import { type Given, type Io, optionText } from './io.ts'
import { wantsJson } from './output.ts'
import { renderQuality } from './quality-forms.ts'
import { Refusal } from './refusal.ts'
import { readState, syncsGiven } from './syncs.ts'

const endings: { readonly [ending: string]: ReportForm } = {
  '.html': 'html',
  '.htm': 'html',
  '.md': 'markdown',
  '.json': 'json',
  '.txt': 'text',
}

/** `quality [sync]`: how good the records of a period were, beside a running engine too. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const since = lengthOf(optionText(given, 'since') ?? '7d')
  if ('problem' in since) throw new Refusal('SYNC-7101', `--since ${since.problem}.`)
  const flows = flowNames(compile(config, syncsGiven(config, given)))
  const to = optionText(given, 'to')
  const form = formOf(given, io, to)
  const reader = readState(config)
  try {
    const report = await reader.quality(flows, {
      length_ms: since.length_ms,
      now_ms: io.clock.now(),
      timezone: config.quality.report?.timezone ?? 'UTC',
      upTo: 'so far',
    })
    const text = renderQuality(report, form)
    if (to === null) io.out(text.trimEnd())
    else await write(resolve(io.folder, to), text, io)
    return exits.ok
  } finally {
    reader.close()
  }
}

/** `--format`, else what the name of the file or `--output` says. */
function formOf(given: Given, io: Io, to: string | null): ReportForm {
  const format = optionText(given, 'format') as ReportForm | null
  const isJson = wantsJson(given, io)
  if (format !== null) return format
  const ending = to === null ? '' : extname(to).toLowerCase()
  const byName = Object.hasOwn(endings, ending) ? endings[ending] : undefined
  if (byName !== undefined) return byName
  if (ending === '' || isJson) return isJson ? 'json' : 'text'
  const known = Object.keys(endings).join(', ')
  throw new Refusal(
    'SYNC-7101',
    `--to ${to}: no form is known by the ending ${ending}; known are ${known}, or --format.`,
  )
}

async function write(file: string, text: string, io: Io): Promise<void> {
  try {
    await writeWhole(file, text)
  } catch (error) {
    throw new Refusal('SYNC-6013', `${file}: ${(error as Error).message}.`, 'Choose a place that can be written to.')
  }
  io.err(`Written: ${file}`)
}
