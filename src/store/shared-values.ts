import type { SharedValue } from '../model/twins.ts'
import type { Database } from './sqlite.ts'

/** Values of compared fields that more rows of the index have than are compared by them, most first. Reads the whole index. */
export function sharedValues(
  db: Database,
  sync: string,
  plan: string,
  fields: number,
  moreThan: number,
  rowsMax: number,
): SharedValue[] {
  const found: SharedValue[] = []
  for (let place = 0; place < fields; place++) {
    const rows = db.all(
      `SELECT json_extract(features, ?) AS value, count(*) AS n FROM twin
       WHERE sync = (SELECT no FROM twin_sync WHERE sync = ?) AND plan = ?
       GROUP BY 1 HAVING n > ? AND value <> '' ORDER BY n DESC, 1 LIMIT ?`,
      `$[${place}]`,
      sync,
      plan,
      moreThan,
      rowsMax,
    )
    for (const row of rows) found.push({ place, value: String(row['value']), n: Number(row['n']) })
  }
  return found.sort((a, b) => b.n - a.n || a.place - b.place).slice(0, rowsMax)
}
