import type { RulesThen } from '../app/rule-sets.ts'
import { figure, moment } from './output.ts'

/** Enough of a hash to tell the rules of one sync apart. */
export const shortHash = (hash: string): string => hash.slice(0, 8)

/** `3f2a91c0 since 2026-11-22 20:00:00Z`, and whether there are others now. Nothing where it is not known. */
export function rulesText(rules: RulesThen | null): string | null {
  if (rules === null) return null
  const since = rules.since === null ? '' : ` since ${moment(Date.parse(rules.since))}`
  return `${shortHash(rules.hash)}${since}${rules.current ? '' : ', changed meanwhile'}`
}

/** Of how many records it is not known which rules judged them. */
export const notKnown = (unknown: number): string =>
  unknown === 0 ? '' : ` (${figure(unknown)} before it was kept by which)`
