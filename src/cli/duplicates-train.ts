import { accessSync, constants, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { trainSync } from '../app/train.ts'
import { configuration } from './configuration.ts'
import { exits } from './exit.ts'
import { type Given, type Io, optionText } from './io.ts'
import { answer, counted, figure } from './output.ts'
import { Refusal } from './refusal.ts'
import { screenOf } from './screen.ts'
import { syncNamed } from './syncs.ts'

const BAR_CELLS = 24

/** `duplicates train`: weights from the user's own records, as a file that `weights:` names. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io, 'training')
  const { name } = syncNamed(config, given.args['sync'] ?? '')
  const file = resolve(io.folder, optionText(given, 'out') ?? `weights-${name}.json`)
  // Rather now than after an hour of reading.
  writing(file, () => accessSync(dirname(file), constants.W_OK))
  const screen = screenOf(io)
  const training = await trainSync(
    config,
    name,
    io,
    (phase, records, estimated) => screen.below(phase === 'read' ? reading(records, estimated) : 'estimating …'),
    io.onStop(),
  ).finally(() => screen.below(null))
  writing(file, () => writeFileSync(file, training.text, { mode: 0o600 }))
  const { records, pairs, labels, expectedMatches } = training
  const said = `${counted(records, 'record')}, ${counted(pairs, 'pair')}, ${counted(labels, 'decision')}`
  answer(
    given,
    io,
    { file, records, pairs, labels, expectedMatches },
    [],
    [],
    `Weights from ${said}; about ${figure(expectedMatches)} duplicates are expected. Written to ${file}: name it in \`validate: duplicates: weights:\`.`,
  )
  return exits.ok
}

function writing(file: string, write: () => void): void {
  try {
    write()
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'its folder is not there' : (error as Error).message
    throw new Refusal('SYNC-7112', `${file} cannot be written: ${why}.`)
  }
}

function reading(records: number, estimated: number | null): string {
  if (estimated === null || estimated <= 0) return `reading ${counted(records, 'record')}`
  const part = Math.min(1, records / estimated)
  const full = Math.round(part * BAR_CELLS)
  return `reading [${'█'.repeat(full)}${'·'.repeat(BAR_CELLS - full)}] ${figure(records)} of about ${figure(estimated)}`
}
