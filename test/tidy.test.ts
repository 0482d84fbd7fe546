/** Style as a test: who imports whom, lengths, names, surroundings, docstrings, failure codes, paths in documents. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { failures } from '../src/model/failures.ts'
import { checkConnectors, checkCycles, checkDead, checkMap, checkTargets } from './tidy/map.ts'
import * as rules from './tidy/rules.ts'
import { type Files, functionsOf, readRepository, sourceFile } from './tidy/source.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const repository = readRepository(root)

/** What was too long when the rule came, with its reason. Numbers may only go down, entries may only go away. */
const longFiles: Readonly<Record<string, rules.Exception>> = {}
const longFunctions: Readonly<Record<string, rules.Exception>> = {}

const inRepository = (path: string): boolean => existsSync(join(root, path))
const codes = Object.keys(failures)

const fileLengths = (files: Files) => rules.checkFileLengths(files, files === repository ? longFiles : {})
const functionLengths = (files: Files) => rules.checkFunctionLengths(files, files === repository ? longFunctions : {})
const failureCodes = (files: Files) => rules.checkCodes(files, files === repository ? codes : ['SYNC-1001'])
const pages = (files: Files) => rules.checkMarkdown(files, inRepository)

/** Every rule: its name, how it is checked, and a planted fault that it must find. */
const table: readonly {
  readonly rule: string
  readonly check: (files: Files) => string[]
  readonly planted: Readonly<Record<string, string>>
  readonly found: RegExp
  /** Why it cannot be judged yet. */
  readonly notYet?: string | false
}[] = [
  {
    rule: 'folders of src import what the map allows',
    check: checkMap,
    planted: { 'src/std/a.ts': "import { b } from '../model/b.ts'\n", 'src/model/b.ts': '' },
    found: /std may not import model/,
  },
  {
    rule: 'a dynamic import counts',
    check: checkMap,
    planted: { 'src/model/a.ts': "const b = await import('../store/b.ts')\n", 'src/store/b.ts': '' },
    found: /model may not import store/,
  },
  {
    rule: 'a worker counts',
    check: checkMap,
    planted: { 'src/model/a.ts': "new Worker(new URL('../store/b.ts', import.meta.url))\n", 'src/store/b.ts': '' },
    found: /model may not import store/,
  },
  {
    rule: 'only option schemas of the pure folders are seen by config',
    check: checkMap,
    planted: {
      'src/config/a.ts': "import { b } from '../mapping/options.ts'\nimport { c } from '../mapping/mapping.ts'\n",
    },
    found: /^src\/config\/a\.ts: config may not import mapping \(src\/mapping\/mapping\.ts\)$/,
  },
  {
    rule: 'no cycle between folders',
    check: checkCycles,
    planted: {
      'src/model/a.ts': "import '../std/b.ts'\n",
      'src/std/b.ts': "export * from '../mapping/c.ts'\n",
      'src/mapping/c.ts': "import type { A } from '../model/a.ts'\n",
    },
    found: /model -> std -> mapping -> model/,
  },
  {
    rule: 'connectors do not know each other',
    check: checkConnectors,
    planted: { 'src/connectors/mysql/a.ts': "import { b } from '../postgres/b.ts'\n" },
    found: /mysql may not import connector postgres/,
  },
  {
    rule: 'relative imports end in .ts and lead somewhere',
    check: checkTargets,
    planted: { 'src/std/a.ts': "import { b } from './b'\n" },
    found: /does not end in \.ts/,
  },
  {
    rule: 'no dead file',
    check: checkDead,
    planted: { 'src/cli/main.ts': "import '../std/a.ts'\n", 'src/std/a.ts': '', 'src/std/b.ts': '' },
    found: /^src\/std\/b\.ts: nothing uses this file$/,
    notYet: !repository.has('src/cli/main.ts') && 'src/cli/main.ts is not there yet',
  },
  {
    rule: `at most ${rules.FILE_LINES_MAX} lines a file`,
    check: fileLengths,
    planted: { 'src/std/a.ts': 'a\n'.repeat(401) },
    found: /401 lines, at most 400/,
  },
  {
    rule: `at most ${rules.FUNCTION_LINES_MAX} lines a function`,
    check: functionLengths,
    planted: { 'src/std/a.ts': `export function long(\n  a: string,\n): { b: string } {\n${'  a()\n'.repeat(67)}}\n` },
    found: /a\.ts#long: 71 lines, at most 70/,
  },
  {
    rule: 'names say what a thing holds or does',
    check: rules.checkNames,
    planted: { 'src/std/string-utils.ts': '' },
    found: /"utils" says nothing/,
  },
  {
    rule: 'exported names too',
    check: rules.checkNames,
    planted: { 'src/std/a.ts': 'export class RequestHandler {}\n' },
    found: /RequestHandler says nothing/,
  },
  {
    rule: 'no barrel files',
    check: rules.checkNames,
    planted: { 'src/std/index.ts': '' },
    found: /no barrel files/,
  },
  ...[
    'const a = Date.now()',
    'const a = new Date()',
    'const a = performance.now()',
    'setTimeout(a, 1)',
    'const a = Math.random()',
    'const a = await fetch(b)',
    'console.log(a)',
    'const a = process.env',
  ].map((text) => ({
    rule: `time, randomness, network and environment are arguments: ${text}`,
    check: rules.checkSurroundings,
    planted: { 'src/pipeline/a.ts': `${text}\n` },
    found: /^src\/pipeline\/a\.ts:1: /,
  })),
  {
    rule: 'node:sqlite is known by one file',
    check: rules.checkOwners,
    planted: { 'src/store/a.ts': "import { DatabaseSync } from 'node:sqlite'\n" },
    found: /imports node:sqlite/,
  },
  {
    rule: 'undici is known by one file',
    check: rules.checkOwners,
    planted: { 'src/connectors/salesforce/a.ts': "import { Pool } from 'undici'\n" },
    found: /imports undici/,
  },
  ...[
    'let a: any = 1',
    'a(b as any)',
    'let a: Map<string, any>',
    'let a: any[] = []',
    'export enum A { B }',
    'namespace A {}',
    'class A { constructor(private a: string) {} }',
  ].map((text) => ({
    rule: `plain TypeScript: ${text}`,
    check: rules.checkSyntax,
    planted: { 'src/std/a.ts': `${text}\n` },
    found: /^src\/std\/a\.ts:1: /,
  })),
  {
    rule: 'nothing unfinished',
    check: rules.checkText,
    planted: { 'src/std/a.ts': `// ${['TO', 'DO'].join('')}: later\n` },
    found: /a\.ts:1: unfinished/,
  },
  {
    rule: "no path of somebody's machine",
    check: rules.checkText,
    planted: { 'src/std/a.ts': `const a = '${['', 'home', 'ada', 'x'].join('/')}'\n` },
    found: /a path of somebody's machine/,
  },
  {
    rule: 'every failure code that is used is in the table',
    check: failureCodes,
    planted: { 'src/std/a.ts': "failure('SYNC-1001')\nfailure('SYNC-9999')\n" },
    found: /^src\/std\/a\.ts: SYNC-9999 is not in the table$/,
  },
  {
    rule: 'every failure code of the table is used',
    check: failureCodes,
    planted: { 'src/std/a.test.ts': "failure('SYNC-1001')\n" },
    found: /^SYNC-1001: nothing fails with this code$/,
  },
  ...[
    'export function a(): void {}',
    'export class A {}',
    'export type A = string',
    'export interface A {}',
    'export const a = (b: string): string => b',
  ].map((text) => ({
    rule: `everything exported has a docstring: ${text}`,
    check: rules.checkDocstrings,
    planted: { 'src/std/a.ts': `/** Something else. */\nconst c = 1\n${text}\n` },
    found: /a\.ts:3: [aA] has no docstring/,
  })),
  {
    rule: 'a page has one title',
    check: pages,
    planted: { 'docs/a.md': '# A\n\n```\n# not a title\n```\n\n# B\n' },
    found: /docs\/a\.md: 2 titles/,
  },
  {
    rule: 'paths in pages exist',
    check: pages,
    planted: { 'docs/a.md': '# A\n\nSee `src/nowhere/at-all.ts` and [this](../src/nowhere.ts).\n' },
    found: /there is no src\/nowhere\/at-all\.ts/,
  },
]

for (const { rule, check, planted, found } of table)
  test(`finds a planted fault: ${rule}`, () => {
    const files = new Map(Object.entries(planted).map(([path, text]) => [path, sourceFile(path, text)]))
    assert.ok(
      check(files).some((problem) => found.test(problem)),
      `nothing like ${found} in ${JSON.stringify(check(files))}`,
    )
  })

/** Several planted faults may stand for one check; it runs under the name of the first. */
const checks = new Map([...table].reverse().map((one) => [one.check, one]))
for (const { rule, check, notYet } of [...checks.values()].reverse())
  test(`the repository: ${rule.replace(/: .*/, '')}`, { skip: notYet || false }, () => {
    const problems = check(repository)
    assert.equal(problems.length, 0, `\n${problems.join('\n')}\n`)
  })

test('what is written in comments, strings, templates and patterns is not code', () => {
  const text = [
    "const a = 'console.log(1)' // Date.now()",
    'const b = `console.log(${f(`x${Math.max(1, 2)}`)}) any`',
    'const c = /console\\.log[/]"/.test(d) /* fetch(x) */',
    'const e = f / g / h',
  ].join('\n')
  const { code } = sourceFile('src/pipeline/a.ts', text)
  assert.equal(code.length, text.length)
  assert.doesNotMatch(code, /console|Date|fetch|any/)
  assert.match(code, /\$\{f\(`\s*\$\{Math\.max\(1, 2\)\}`\)\}/)
  assert.match(code, /const e = f \/ g \/ h/)
})

test('a function is as long as what is left without the named functions in it', () => {
  const inner = `  function inner() {\n${'    a()\n'.repeat(10)}  }\n  return {\n    method(b) {\n${'      a()\n'.repeat(10)}    },\n  }\n`
  const file = sourceFile('src/std/a.ts', `export function outer() {\n  if (a) {\n    b()\n  }\n${inner}}\n`)
  assert.deepEqual(
    functionsOf(file).map(({ name, ownLines }) => [name, ownLines]),
    [
      ['outer', 7],
      ['inner', 12],
      ['method', 12],
    ],
  )
  const callback = sourceFile('src/std/a.ts', `function outer() {\n  each(() => {\n${'    a()\n'.repeat(80)}  })\n}\n`)
  assert.deepEqual(
    functionsOf(callback).map(({ name, ownLines }) => [name, ownLines]),
    [['outer', 84]],
  )
})

test('exceptions may only shrink', () => {
  const files = new Map([['src/a.ts', sourceFile('src/a.ts', 'a\n'.repeat(450))]])
  const check = (lines: number, why = 'a table') => rules.checkFileLengths(files, { 'src/a.ts': { lines, why } })
  assert.deepEqual(check(450), [])
  assert.match(String(check(449)), /450 lines, grew from 449/)
  assert.match(String(check(451)), /shrank to 450 lines/)
  assert.match(String(check(450, ' ')), /needs a reason/)
  assert.match(
    String(rules.checkFileLengths(new Map(), { 'src/a.ts': { lines: 450, why: 'x' } })),
    /no longer too long/,
  )
})
