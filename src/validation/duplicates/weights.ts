import { failure, SyncError } from '../../model/failure.ts'
import { isObject, type JsonObject } from '../../std/json.ts'
import type { FieldWeights, LevelWeights, Weights } from './types.ts'

/** Bounds of a file of weights; far above what `train` writes. */
const fieldsMax = 500
const valuesMax = 20_000

/**
 * Weights from the JSON that `weightsText` wrote. Throws a `SyncError` (SYNC-1028) that says what is wrong with them; names from
 * the file reach only objects without a prototype.
 */
export function readWeights(json: unknown): Weights {
  if (!isObject(json) || json['version'] !== 1)
    throw unusable('`version` is not 1; write them anew with `syncline duplicates train`')
  const prior = json['priorBits']
  if (!isObject(prior)) throw unusable('`priorBits` is missing')
  const plan = json['plan']
  const trainedOn = json['trainedOn']
  return {
    version: 1,
    ...(typeof plan === 'string' ? { plan } : {}),
    priorBits: { strangers: bits(prior, 'strangers'), relatives: bits(prior, 'relatives') },
    kinds: table(json['kinds'], 'kinds', fieldWeights),
    fields: table(json['fields'], 'fields', fieldWeights),
    frequencies: table(json['frequencies'], 'frequencies', (values, where) =>
      table(values, where, (share, at) => fraction(share, at)),
    ),
    ...(isObject(trainedOn)
      ? {
          trainedOn: {
            records: Number(trainedOn['records']) || 0,
            pairs: Number(trainedOn['pairs']) || 0,
            labels: Number(trainedOn['labels']) || 0,
          },
        }
      : {}),
  }
}

/** Weights as the text of a file. */
export function weightsText(weights: Weights): string {
  return `${JSON.stringify(weights, null, 2)}\n`
}

function unusable(why: string): SyncError {
  return new SyncError(failure('SYNC-1028', `The weights of the duplicate stage cannot be used: ${why}.`))
}

function table<T>(value: unknown, where: string, read: (one: unknown, where: string) => T): { [name: string]: T } {
  if (!isObject(value)) throw unusable(`\`${where}\` is no object`)
  const names = Object.keys(value)
  if (names.length > (where.startsWith('frequencies.') ? valuesMax : fieldsMax))
    throw unusable(`\`${where}\` has ${names.length} entries`)
  const made: { [name: string]: T } = Object.create(null)
  for (const name of names) made[name] = read(value[name], `${where}.${name.slice(0, 40)}`)
  return made
}

function fieldWeights(value: unknown, where: string): FieldWeights {
  return table(value, where, (level, at): LevelWeights => {
    if (!isObject(level)) throw unusable(`\`${at}\` is no object`)
    return { m: fraction(level['m'], at), u: fraction(level['u'], at), r: fraction(level['r'], at) }
  })
}

function fraction(value: unknown, where: string): number {
  if (typeof value !== 'number' || !(value > 0 && value <= 1))
    throw unusable(`\`${where}\` has a value that is not above 0 and at most 1`)
  return value
}

function bits(prior: JsonObject, name: string): number {
  const value = prior[name]
  if (typeof value !== 'number' || !(Math.abs(value) <= 100))
    throw unusable(`\`priorBits.${name}\` is not a number of bits`)
  return value
}
