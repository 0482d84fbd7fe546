import { levelsOf } from './levels.ts'
import type { ComparedKind, FieldWeights, LevelWeights, Weights } from './types.ts'

/**
 * The weights that hold until the user's own data are asked: for each level, how often it occurs in 10,000 pairs of the same,
 * of strangers, and of relatives (one household, twins, father and son; branches of one company). `different` has the rest.
 * Estimated from general knowledge of contact data, and checked by bench/duplicates.ts on data that was not used for it.
 */
const perTenThousand: { readonly [kind in ComparedKind]: readonly (readonly [m: number, u: number, r: number])[] } = {
  'given-name': [
    [7000, 60, 15],
    [450, 8, 8],
    [200, 0.8, 11],
    [900, 15, 12],
    [350, 8, 12],
    [350, 40, 24],
    [250, 110, 140],
  ],
  'family-name': [
    [7500, 15, 8000],
    [200, 5, 100],
    [200, 0.8, 11],
    [900, 10, 150],
    [300, 5, 400],
    [200, 80, 80],
  ],
  'full-name': [
    [6300, 0.7, 100],
    [500, 0.2, 10],
    [1900, 2, 60],
    [500, 20, 100],
    [400, 300, 8000],
  ],
  email: [
    [5000, 0.1, 350],
    [150, 0.05, 10],
    [500, 1.5, 40],
    [800, 12, 60],
    [250, 5, 3000],
  ],
  phone: [
    [6000, 0.3, 3500],
    [700, 0.3, 300],
    [800, 8, 200],
  ],
  'date-of-birth': [
    [8600, 0.5, 60],
    [120, 0.4, 2],
    [700, 12, 70],
    [250, 60, 250],
    [50, 140, 300],
  ],
  street: [
    [5400, 1, 7500],
    [2000, 4, 1000],
    [250, 10, 150],
    [250, 25, 200],
    [250, 60, 150],
  ],
  city: [
    [7600, 250, 9000],
    [800, 20, 350],
    [150, 20, 50],
  ],
  postcode: [
    [7300, 35, 8800],
    [900, 60, 350],
    [450, 250, 350],
  ],
  region: [
    [9000, 1500, 9700],
    [400, 150, 100],
  ],
  country: [[9700, 4500, 9900]],
  organisation: [
    [5500, 2, 5000],
    [1800, 3, 1000],
    [1200, 8, 1500],
    [100, 2, 50],
    [700, 15, 700],
    [400, 250, 700],
  ],
  website: [
    [7500, 0.5, 5000],
    [800, 1, 300],
  ],
  identifier: [
    [8500, 0.1, 3],
    [900, 3, 10],
    [200, 20, 30],
  ],
  text: [
    [4700, 10, 5000],
    [1500, 4, 400],
    [600, 8, 300],
    [1000, 10, 400],
    [600, 60, 500],
    [400, 500, 600],
  ],
  number: [
    [8500, 300, 3000],
    [300, 200, 300],
    [300, 700, 900],
  ],
}

/**
 * How relatives of records that are no people look: branches of one company, editions of one work. They share the name, and
 * seldom a telephone or an address. By kind, where it differs.
 */
const relativesOfOthers: { readonly [kind in ComparedKind]?: readonly number[] } = {
  email: [300, 5, 20, 30, 1500],
  phone: [80, 100, 150],
  street: [100, 60, 50, 100, 150],
  city: [3000, 100, 100],
  postcode: [1000, 300, 1500],
  organisation: [1250, 600, 1000, 30, 800, 700],
  website: [6500, 300],
  identifier: [5, 20, 30],
  text: [400, 150, 200, 400, 700, 1200],
}

/** The shipped weights; they serve every plan. */
export function shippedWeights(): Weights {
  const kinds: { [kind: string]: FieldWeights } = Object.create(null)
  for (const kind of Object.keys(perTenThousand) as ComparedKind[]) {
    kinds[`person/${kind}`] = fieldWeights(kind)
    kinds[`other/${kind}`] = fieldWeights(kind, relativesOfOthers[kind])
  }
  return {
    version: 1,
    priorBits: { strangers: -18.5, relatives: -1 },
    kinds,
    fields: Object.create(null),
    frequencies: Object.create(null),
  }
}

function fieldWeights(kind: ComparedKind, relatives?: readonly number[]): FieldWeights {
  const rows = perTenThousand[kind].map(([m, u, r], place) => [m, u, relatives?.[place] ?? r] as const)
  const rest = (sort: 0 | 1 | 2) => 10_000 - rows.reduce((sum, row) => sum + row[sort], 0)
  const weights: { [level: string]: LevelWeights } = Object.create(null)
  for (const [place, { name }] of levelsOf[kind].entries()) {
    const [m, u, r] = rows[place] ?? [rest(0), rest(1), rest(2)]
    weights[name] = { m: m / 10_000, u: u / 10_000, r: r / 10_000 }
  }
  return weights
}
