// Which test file belongs to which suite, by its name alone: README.md in this folder has the table.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const folders = ['src', 'test', 'examples', 'bench', 'scripts']
const isLong = /\.long\.(ts|mjs)$/
const suites = {
  test: (path) => /\.test\.(ts|mjs)$/.test(path),
  simulation: (path) => isLong.test(path) && path.startsWith('test/simulation/'),
  faults: (path) => isLong.test(path) && path.startsWith('test/faults/'),
  long: (path) => isLong.test(path) && !suites.simulation(path) && !suites.faults(path),
}

/**
 * The files of a suite and the options for Node, from what was written after `npm test --`: a word that starts with a
 * dash is an option of Node (`--test-name-pattern=kill`), any other is a part of the path (`src/store`, `pgoutput`).
 */
export function testFiles(root, suite, given) {
  const options = given.filter((word) => word.startsWith('-'))
  const parts = given.filter((word) => !word.startsWith('-')).map((word) => word.replace(/^\.\//, ''))
  const files = folders.flatMap((folder) => [...walk(root, folder)]).filter(suites[suite])
  return {
    options,
    files: files.filter((path) => parts.length === 0 || parts.some((part) => path.includes(part))).sort(),
  }
}

function* walk(root, folder) {
  let entries
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true })
  } catch {
    return // an optional folder
  }
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* walk(root, path)
    else if (entry.isFile()) yield path
  }
}
