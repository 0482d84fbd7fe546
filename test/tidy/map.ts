import type { Files, Import, SourceFile } from './source.ts'

/** The folders below each folder of src, as ARCHITECTURE.md has them: who may import whom. */
const belowApp = [
  'std',
  'model',
  'telemetry',
  'mapping',
  'validation',
  'conflict',
  'kafka',
  'store',
  'connectors',
  'delivery',
  'pipeline',
  'config',
]
export const importMap: Readonly<Record<string, readonly string[]>> = {
  std: [],
  model: ['std'],
  telemetry: ['std', 'model'],
  mapping: ['std', 'model'],
  validation: ['std', 'model'],
  conflict: ['std', 'model'],
  kafka: ['std'],
  store: ['std', 'model', 'kafka'],
  connectors: ['std', 'model', 'telemetry', 'kafka'],
  delivery: ['std', 'model', 'telemetry'],
  pipeline: ['std', 'model', 'telemetry', 'mapping', 'validation', 'conflict', 'delivery'],
  config: ['std', 'model', 'connectors'],
  app: belowApp,
  emulators: ['std'],
  server: ['std', 'model', 'telemetry', 'app'],
  dashboard: [],
  generate: ['std', 'model', 'config', 'connectors'],
  cli: ['std', 'model', 'telemetry', 'config', 'app', 'server', 'emulators', 'generate'],
  testing: ['std', 'model', 'store'],
}

/** What the map allows beside whole folders. */
const single: readonly { readonly from: string; readonly to: RegExp; readonly typeOnly?: boolean }[] = [
  { from: 'config', to: /^src\/(mapping|validation|conflict|delivery)\/options\.ts$/ },
  { from: 'dashboard', to: /^src\/server\//, typeOnly: true },
]

/** Tests, and what only tests use, may import everything. */
export const isTest = (path: string): boolean =>
  /\.(test|long|fake)\.(ts|mjs)$/.test(path) || /^(test|bench|examples|scripts)\//.test(path)

/** `std` of `src/std/clock.ts`; null outside of src, and for files directly in src. */
export const folderOf = (path: string): string | null => /^src\/([^/]+)\//.exec(path)?.[1] ?? null

const engineFiles = (files: Files): SourceFile[] =>
  [...files.values()].filter(({ path }) => path.startsWith('src/') && !isTest(path))

/** Imports between two different folders of src, tests apart. */
function* crossings(files: Files): Generator<{ file: SourceFile; one: Import; from: string; to: string }> {
  for (const file of engineFiles(files))
    for (const one of file.imports) {
      const [from, to] = [folderOf(file.path), one.target === null ? null : folderOf(one.target)]
      if (from !== null && to !== null && from !== to) yield { file, one, from, to }
    }
}

/** Imports that the map does not allow, and folders that it does not know. */
export function checkMap(files: Files): string[] {
  const problems: string[] = []
  for (const { path } of files.values()) {
    const folder = folderOf(path)
    if (folder !== null && !Object.hasOwn(importMap, folder))
      problems.push(`${path}: the import map has no folder src/${folder}`)
  }
  for (const { file, one, from, to } of crossings(files)) {
    if (importMap[from]?.includes(to)) continue
    const target = one.target as string
    if (single.some((rule) => rule.from === from && rule.to.test(target) && (one.typeOnly || rule.typeOnly !== true)))
      continue
    problems.push(`${file.path}: ${from} may not import ${to} (${target})`)
  }
  return problems
}

/** Cycles between folders, as the imports are, whatever the map says. */
export function checkCycles(files: Files): string[] {
  const edges = new Map<string, Set<string>>()
  for (const { from, to } of crossings(files)) edges.set(from, (edges.get(from) ?? new Set()).add(to))
  const problems: string[] = []
  const done = new Set<string>()
  const visit = (folder: string, way: readonly string[]): void => {
    const at = way.indexOf(folder)
    if (at !== -1) problems.push(`cycle between folders: ${[...way.slice(at), folder].join(' -> ')}`)
    if (at !== -1 || done.has(folder)) return
    for (const next of edges.get(folder) ?? []) visit(next, [...way, folder])
    done.add(folder)
  }
  for (const folder of edges.keys()) visit(folder, [])
  return problems
}

/** Connectors do not know each other; `connectors/sql` is shared, and `connectors/index.ts` is the table of all. */
export function checkConnectors(files: Files): string[] {
  const connector = (path: string) => /^src\/connectors\/([^/]+)\//.exec(path)?.[1] ?? null
  return engineFiles(files).flatMap(({ path, imports }) =>
    imports.flatMap(({ target }) => {
      const [from, to] = [connector(path), target === null ? null : connector(target)]
      if (from === null || to === null || from === to || to === 'sql') return []
      return [`${path}: connector ${from} may not import connector ${to}`]
    }),
  )
}

/** Relative imports end in the suffix of a file that exists. */
export function checkTargets(files: Files): string[] {
  return [...files.values()].flatMap(({ path, imports }) =>
    imports.flatMap(({ from, target }) => {
      if (target === null || files.has(target)) return []
      if (!/\.(ts|mjs|json|sql)$/.test(from)) return [`${path}: the import of ${from} does not end in .ts`]
      return /\.(ts|mjs)$/.test(from) ? [`${path}: there is no ${target}`] : []
    }),
  )
}

/** Files of src that nothing reaches: not the command line, not the testing kit, not a script, not a test. */
export function checkDead(files: Files): string[] {
  const reached = new Set<string>()
  const open = [...files.keys()].filter(
    (path) => path === 'src/cli/main.ts' || path === 'src/public.ts' || path.startsWith('src/testing/') || isTest(path),
  )
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue
    reached.add(path)
    for (const { target } of files.get(path)?.imports ?? []) if (target !== null) open.push(target)
  }
  return [...files.keys()].flatMap((path) =>
    path.startsWith('src/') && path.endsWith('.ts') && !reached.has(path) ? [`${path}: nothing uses this file`] : [],
  )
}
