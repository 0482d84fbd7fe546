import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { schemaForEditors } from '../app/reader.ts'
import { configPath } from './configuration.ts'
import { exits } from './exit.ts'
import { demoSetup, demoText, environmentText, startText } from './init-texts.ts'
import { type Given, type Io, isSet } from './io.ts'
import { Refusal } from './refusal.ts'

/** `init`: a configuration to begin with, its editor schema and the variables that it needs. Nothing is overwritten. */
export async function execute(given: Given, io: Io): Promise<number> {
  const path = configPath(given, io)
  const folder = dirname(path)
  const isDemo = isSet(given, 'demo')
  const files: readonly (readonly [string, string])[] = [
    ['syncline.schema.json', `${JSON.stringify(schemaForEditors(), null, 2)}\n`],
    ['.env.example', environmentText(isDemo)],
    ...(isDemo ? [['salesforce.yaml', demoSetup] as const] : []),
    // Last: the folder counts as set up once this one is there.
    [basename(path), isDemo ? demoText : startText],
  ]
  const there = files.map(([name]) => join(folder, name)).filter((file) => existsSync(file))
  if (there.length > 0)
    throw new Refusal('SYNC-7102', `${there.join(' and ')} ${there.length > 1 ? 'are' : 'is'} there already.`)
  const written: string[] = []
  try {
    mkdirSync(folder, { recursive: true })
    for (const [name, text] of files) {
      const file = join(folder, name)
      writeFileSync(file, text, { flag: 'wx' })
      written.push(file)
    }
  } catch (error) {
    for (const file of written) rmSync(file, { force: true })
    throw new Refusal('SYNC-7112', `${folder} cannot be written: ${(error as Error).message}`, undefined, {
      cause: error,
    })
  }
  io.out(`Written to ${folder}: ${files.map(([name]) => name).join(', ')}.`)
  io.out('Next:')
  for (const line of isDemo ? nextDemo : next) io.out(`  ${line}`)
  return exits.ok
}

const next: readonly string[] = [
  'cp .env.example .env && chmod 0600 .env     and fill it in',
  'syncline lint                               until the configuration is right',
  'syncline conns test                         until both systems have all that is needed',
  'syncline plan                               what would be written',
  'syncline run',
]

const nextDemo: readonly string[] = [
  'cp .env.example .env && chmod 0600 .env     and write the address of a PostgreSQL with wal_level=logical',
  'syncline emulate salesforce --setup salesforce.yaml --state ./salesforce &',
  'syncline lint --online',
  'syncline run',
]
