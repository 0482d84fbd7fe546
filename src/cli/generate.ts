import { stringify } from 'yaml'
import { contractOf } from '../generate/odcs.ts'
import { configuration } from './configuration.ts'
import { exits } from './exit.ts'
import { type Given, type Io, optionText } from './io.ts'
import { syncNamed } from './syncs.ts'

/** `generate odcs <sync>`: what is checked of a sync's records, as a data contract of the Open Data Contract Standard. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const sync = syncNamed(config, given.args['sync'] ?? '')
  const contract = contractOf(sync, optionText(given, 'contractVersion') ?? '1.0.0')
  io.out(optionText(given, 'output') === 'json' ? JSON.stringify(contract, null, 2) : stringify(contract).trimEnd())
  return exits.ok
}
