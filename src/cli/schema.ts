import { schemaForEditors } from '../app/reader.ts'
import { exits } from './exit.ts'
import type { Given, Io } from './io.ts'

/** `schema`: the JSON Schema of syncline.yaml, from the same declaration that `lint` checks with. */
export async function execute(_: Given, io: Io): Promise<number> {
  io.out(JSON.stringify(schemaForEditors(), null, 2))
  return exits.ok
}
