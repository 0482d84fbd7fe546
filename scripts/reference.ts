import { writeFileSync } from 'node:fs'
import { configPage, errorsPage, expressionsPage } from '../src/generate/reference.ts'
import { mappingFunctions } from '../src/mapping/functions.ts'

/** Writes the generated pages of docs/reference. */
const pages = {
  'config.md': configPage(),
  'errors.md': errorsPage(),
  'expressions.md': expressionsPage(mappingFunctions),
}
for (const [name, text] of Object.entries(pages))
  writeFileSync(new URL(`../docs/reference/${name}`, import.meta.url), text)
