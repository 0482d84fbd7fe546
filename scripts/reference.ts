import { writeFileSync } from 'node:fs'
import { configPage, errorsPage } from '../src/generate/reference.ts'

/** Writes the generated pages of docs/reference. */
const pages = { 'config.md': configPage(), 'errors.md': errorsPage() }
for (const [name, text] of Object.entries(pages))
  writeFileSync(new URL(`../docs/reference/${name}`, import.meta.url), text)
