import { levelsOf } from './levels.ts'
import type { ComparedKind, FieldWeights, LevelWeights, Weights } from './types.ts'

/**
 * The weights that hold until the user's own data are asked: for each level, how often it occurs in 10,000 pairs of the same,
 * of strangers, and of relatives (one household, twins, father and son; branches of one company). `different` has the rest.
 * Estimated from general knowledge of contact data, and checked by bench/duplicates.ts on data that was not used for it.
 */
const perTenThousand: { readonly [kind in ComparedKind]: readonly (readonly [m: number, u: number, r: number])[] } = {
  'given-name': [
    [7000, 60, 30],
    [450, 8, 8],
    [200, 0.8, 11],
    [900, 15, 12],
    [350, 8, 12],
    [350, 40, 24],
    [250, 110, 140],
  ],
  'family-name': [
    [7500, 15, 6800],
    [200, 5, 190],
    [200, 0.8, 11],
    [900, 10, 820],
    [300, 5, 280],
    [200, 80, 190],
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
    [6000, 0.3, 3000],
    [700, 0.3, 350],
    [800, 8, 400],
  ],
  'date-of-birth': [
    [8450, 0.5, 100],
    [120, 0.4, 2],
    [700, 12, 70],
    [250, 60, 250],
    [150, 90, 120],
    [50, 1, 3],
  ],
  street: [
    [5400, 1, 5400],
    [2000, 4, 2000],
    [250, 10, 250],
    [250, 25, 250],
    [250, 60, 250],
  ],
  city: [
    [7600, 250, 7800],
    [800, 20, 820],
    [150, 20, 150],
  ],
  postcode: [
    [7300, 35, 7500],
    [900, 60, 920],
    [450, 250, 460],
  ],
  region: [
    [9000, 1500, 9200],
    [400, 150, 410],
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
  phone: [150, 120, 160],
  street: [100, 60, 50, 100, 150],
  city: [3000, 100, 100],
  postcode: [1000, 300, 1500],
  organisation: [1250, 410, 700, 30, 800, 700],
  website: [6200, 660],
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
    priorBits: { strangers: -18.5, relatives: -0.5 },
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
