import { didYouMean } from '../std/suggest.ts'
import { add, type Loaded, listed, type Reading, type Rule, where, wrongKind } from './reading.ts'
import { readLoose, readScalar } from './scalar.ts'
import { type MapTree, type Place, short, type Tree } from './tree.ts'

/** The value of a tree by its rule; `undefined` where a problem was added. */
export function read(
  tree: Tree,
  rule: Rule,
  path: readonly string[],
  reading: Reading,
  key: Place = tree.at,
): Loaded | undefined {
  reading.trees.set(path.join('\0'), { key, tree })
  if (typeof rule.later === 'string')
    return add(reading, key, 'SYNC-1020', `${where(path)}: ${rule.later} is not supported in this version`)
  if (rule.anyOf !== undefined) return readAny(tree, rule, path, reading, key)
  if (rule.type === 'object') return readObject(tree, rule, path, reading)
  if (rule.type === 'array') return readArray(tree, rule, path, reading)
  return readScalar(tree, rule, path, reading)
}

const isObjectRule = (rule: Rule) => rule.type === 'object'

function readAny(tree: Tree, rule: Rule, path: readonly string[], reading: Reading, key: Place): Loaded | undefined {
  const branches = (rule.anyOf ?? []).flatMap((branch): readonly Rule[] =>
    branch.anyOf === undefined ? [branch] : branch.anyOf,
  )
  if (tree.kind === 'map') {
    const objects = branches.filter(isObjectRule)
    if (objects.length === 1) return read(tree, objects[0]!, path, reading, key)
    if (objects.length > 1) return readVariant(tree, objects, rule, path, reading, key)
    return wrongKind(tree, rule, path, reading)
  }
  if (tree.kind === 'list') {
    const list = branches.find((branch) => branch.type === 'array')
    return list === undefined ? wrongKind(tree, rule, path, reading) : read(tree, list, path, reading, key)
  }
  const scalars = branches.filter((branch) => branch.type !== 'object' && branch.type !== 'array')
  const words = scalars.flatMap((branch) => (branch.const === undefined ? [] : [branch.const]))
  if (scalars.length === 0) return wrongKind(tree, rule, path, reading)
  if (words.length === scalars.length)
    return readScalar(tree, { enum: words, orObject: branches.some(isObjectRule) }, path, reading)
  return readLoose(tree, scalars, path, reading)
}

/** Objects of several kinds, told apart by a key with one constant each: `type` of systems, `flow` of authorizations. */
function readVariant(
  tree: MapTree,
  objects: readonly Rule[],
  rule: Rule,
  path: readonly string[],
  reading: Reading,
  key: Place,
): Loaded | undefined {
  const names = Object.keys(objects[0]?.properties ?? {})
  const tag =
    rule.discriminator ?? names.find((name) => objects.every((one) => one.properties?.[name]?.const !== undefined))
  if (tag === undefined) return read(tree, objects[0]!, path, reading, key)
  const kinds = objects.map((one) => one.properties?.[tag]?.const)
  const entry = tree.entries.find((one) => one.key === tag)
  if (entry === undefined)
    return add(
      reading,
      tree.at,
      'SYNC-1019',
      `${where(path)}: the key \`${tag}\` is missing, expected ${listed(kinds)}`,
    )
  const soon = Array.isArray(rule.later) ? (rule.later as readonly string[]) : []
  const kind = readScalar(entry.value, { enum: kinds, later: soon }, [...path, tag], reading)
  const chosen = objects[kinds.indexOf(kind)]
  return kind === undefined || chosen === undefined ? undefined : read(tree, chosen, path, reading, key)
}

function readObject(tree: Tree, rule: Rule, path: readonly string[], reading: Reading): Loaded | undefined {
  if (tree.kind !== 'map') {
    const empty = tree.kind === 'scalar' && tree.value === null
    if (!(empty && (rule.required ?? []).length === 0 && (rule.minProperties ?? 0) === 0))
      return wrongKind(tree, rule, path, reading)
  }
  const entries = tree.kind === 'map' ? tree.entries : []
  if (rule.additionalProperties === true) return rawValue(tree)
  const result: { [name: string]: Loaded } = Object.create(null)
  const known = rule.properties ?? {}
  const open = Object.entries(rule.patternProperties ?? {})[0]
  for (const { key, at, value } of entries) {
    const inner = Object.hasOwn(known, key) ? known[key] : open?.[1]
    if (inner === undefined) unknownKey(key, at, rule, path, reading)
    else if (open !== undefined && !Object.hasOwn(known, key) && !new RegExp(open[0]).test(key))
      add(
        reading,
        at,
        'SYNC-1011',
        `"${short(key)}" is not a name for ${where(path)}: expected 1 to 63 of A-Z, a-z, 0-9, _ and -, beginning with a letter`,
      )
    else {
      const loaded = read(value, inner, [...path, key], reading, at)
      if (loaded !== undefined) result[key] = loaded
    }
  }
  for (const name of rule.required ?? [])
    if (!entries.some(({ key }) => key === name)) add(reading, tree.at, 'SYNC-1019', missing(name, known[name], path))
  bounds(entries.length, rule.minProperties, rule.maxProperties, 'entries', tree, path, reading)
  return result
}

function missing(name: string, rule: Rule | undefined, path: readonly string[]): string {
  const text = rule?.description === undefined ? '' : `: ${rule.description}`
  return `the key \`${name}\` is missing in ${where(path)}${text}`
}

function unknownKey(key: string, at: Place, rule: Rule, path: readonly string[], reading: Reading): void {
  const known = Object.entries(rule.properties ?? {}).filter(([, one]) => typeof one.later !== 'string')
  const names = known.map(([name]) => name)
  const hint = didYouMean(key, names) || ` Known are ${names.join(', ')}.`
  add(reading, at, 'SYNC-1003', `unknown key '${short(key)}' in ${where(path)}.${hint}`)
}

function readArray(tree: Tree, rule: Rule, path: readonly string[], reading: Reading): Loaded | undefined {
  if (tree.kind !== 'list') return wrongKind(tree, rule, path, reading)
  bounds(tree.items.length, rule.minItems, rule.maxItems, 'items', tree, path, reading)
  const items: Loaded[] = []
  for (const [index, item] of tree.items.slice(0, rule.maxItems).entries()) {
    const loaded = read(item, rule.items ?? {}, [...path, String(index)], reading)
    if (loaded !== undefined) items.push(loaded)
  }
  return items
}

function bounds(
  count: number,
  min: number | undefined,
  max: number | undefined,
  what: string,
  tree: Tree,
  path: readonly string[],
  reading: Reading,
): void {
  if (count < (min ?? 0))
    add(reading, tree.at, 'SYNC-1006', `${where(path)} has ${count} ${what}, expected at least ${min}`)
  if (count > (max ?? Infinity))
    add(reading, tree.at, 'SYNC-1006', `${where(path)} has ${count} ${what}, expected at most ${max}`)
}

/** A value as it stands, without references: the body of a JSON Schema has its own `$` and its own braces. */
export function rawValue(tree: Tree): Loaded {
  if (tree.kind === 'scalar') return tree.value
  if (tree.kind === 'list') return tree.items.map(rawValue)
  const result: { [name: string]: Loaded } = Object.create(null)
  for (const { key, value } of tree.entries) result[key] = rawValue(value)
  return result
}
