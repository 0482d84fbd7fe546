import type { FlowId } from '../model/change.ts'
import type { FigureName, FigureRow, FigureSum, Figures } from '../model/figures.ts'
import type { Database } from './sqlite.ts'

/** The methods of `FigureState` over a state file. */
export function figureState(db: Database) {
  return {
    addFigures: (rows: readonly FigureRow[]): void =>
      db.write(() => {
        for (const { hour_ms, flow, name, stage, rule, n } of rows)
          db.run(
            `INSERT INTO figure (hour_ms, flow, name, stage, rule, n) VALUES (?,?,?,?,?,?)
             ON CONFLICT DO UPDATE SET n = n + excluded.n`,
            hour_ms,
            flow,
            name,
            stage,
            rule,
            n,
          )
      }),

    figures(flow: FlowId, from_ms: number, to_ms: number): Figures {
      const sums = db.all(
        `SELECT name, stage, rule, sum(n) AS n FROM figure WHERE hour_ms >= ? AND hour_ms < ? AND flow = ?
         GROUP BY name, stage, rule ORDER BY name, stage, rule`,
        from_ms,
        to_ms,
        flow,
      )
      const hours = db.all(
        `SELECT hour_ms, name, n FROM figure WHERE hour_ms >= ? AND hour_ms < ? AND flow = ? AND stage = '' ORDER BY hour_ms, name`,
        from_ms,
        to_ms,
        flow,
      )
      return {
        sums: sums.map((row) => ({
          name: row['name'] as FigureName,
          stage: row['stage'] as FigureSum['stage'],
          rule: String(row['rule']),
          n: Number(row['n']),
        })),
        hours: hours.map((row) => ({
          hour_ms: Number(row['hour_ms']),
          name: row['name'] as FigureName,
          n: Number(row['n']),
        })),
      }
    },

    trimFigures(before_ms: number): void {
      db.write(() => db.run('DELETE FROM figure WHERE hour_ms < ?', before_ms))
    },
  }
}
