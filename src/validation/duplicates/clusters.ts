import type { Cluster, Clustering, Link, MatchVerdict, RefusedLink } from './types.ts'

/** What bounds clusters. */
export interface ClusterOptions {
  /** At most so many members. */
  readonly clusterMax: number
  /** Decisions that two records are not the same, ever. */
  readonly apart?: Iterable<readonly [string, string]>
}

interface Group {
  readonly members: string[]
  readonly links: Link[]
}

/**
 * Records that are one, from the pairs that were found: the links with the verdict `merge` are followed, strongest first, so that
 * the answer does not depend on their order. A link that would join two records that somebody said are not the same, or make
 * a cluster larger than `clusterMax`, is refused and told; it belongs before a person.
 */
export function clusters(links: Iterable<Link>, options: ClusterOptions): Clustering {
  const sorted = distinct(links)
  const apart = apartOf(options.apart ?? [])
  const groups = new Map<string, Group>()
  const refused: RefusedLink[] = []
  const groupOf = (id: string): Group => groups.get(id) ?? { members: [id], links: [] }
  for (const link of sorted) {
    if (link.comparison.verdict !== 'merge') continue
    const [a, b] = [groupOf(link.a), groupOf(link.b)]
    if (a === b) continue
    const refusal = refusalOf(a, b, apart, options.clusterMax)
    if (refusal !== undefined) refused.push({ link, ...refusal })
    else join(a, b, link, groups)
  }
  const made = [...new Set(groups.values())].map(
    ({ members, links: holding }): Cluster => ({
      representative: least(members),
      members: members.sort(order),
      links: holding,
    }),
  )
  const review = sorted.filter(({ a, b, comparison }) => {
    if (comparison.verdict !== 'review' || apart.get(a)?.has(b)) return false
    const group = groups.get(a)
    return group === undefined || group !== groups.get(b)
  })
  return { clusters: made.sort((a, b) => order(a.representative, b.representative)), review, refused }
}

/** Each pair once, its lesser id first, by its strongest link; strongest pairs first, ties by ids. */
function distinct(links: Iterable<Link>): Link[] {
  const pairs = new Map<string, Link>()
  for (const link of links) {
    if (link.a === link.b) continue
    const turned = order(link.a, link.b) < 0 ? link : { ...link, a: link.b, b: link.a }
    const name = `${turned.a.length}:${turned.a}${turned.b}`
    const known = pairs.get(name)
    if (known === undefined || isBefore(turned, known)) pairs.set(name, turned)
  }
  return [...pairs.values()].sort((x, y) => y.comparison.bits - x.comparison.bits || order(x.a, y.a) || order(x.b, y.b))
}

/** Of two comparisons of one pair the stronger counts; of equal ones, the more careful verdict. */
function isBefore({ comparison: a }: Link, { comparison: b }: Link): boolean {
  return a.bits > b.bits || (a.bits === b.bits && care[a.verdict] > care[b.verdict])
}

const care: { readonly [verdict in MatchVerdict]: number } = { merge: 0, review: 1, separate: 2 }

function apartOf(pairs: Iterable<readonly [string, string]>): Map<string, Set<string>> {
  const apart = new Map<string, Set<string>>()
  for (const [a, b] of pairs)
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const known = apart.get(one)
      if (known === undefined) apart.set(one, new Set([other]))
      else known.add(other)
    }
  return apart
}

function refusalOf(
  a: Group,
  b: Group,
  apart: ReadonlyMap<string, ReadonlySet<string>>,
  clusterMax: number,
): Pick<RefusedLink, 'why' | 'says'> | undefined {
  for (const member of a.members) {
    const not = apart.get(member)
    const other = not === undefined ? undefined : b.members.find((one) => not.has(one))
    if (other !== undefined)
      return { why: 'decided-apart', says: `It was decided that ${member} and ${other} are not the same.` }
  }
  const size = a.members.length + b.members.length
  if (size <= clusterMax) return undefined
  return { why: 'cluster-max', says: `It would make one record of ${size}; at most ${clusterMax} are taken for one.` }
}

/** The smaller group moves to the larger one: no record moves more often than the logarithm of the cluster. */
function join(a: Group, b: Group, link: Link, groups: Map<string, Group>): void {
  const [large, small] = a.members.length >= b.members.length ? [a, b] : [b, a]
  large.members.push(...small.members)
  large.links.push(...small.links, link)
  large.links.sort((x, y) => y.comparison.bits - x.comparison.bits || order(x.a, y.a) || order(x.b, y.b))
  for (const member of large.members) groups.set(member, large)
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const least = (ids: readonly string[]): string => ids.reduce((first, id) => (order(id, first) < 0 ? id : first))
