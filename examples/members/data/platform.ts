/** Tables of the legacy platform. */
export type PlatformTable = 'chapters' | 'members' | 'memberships'

/**
 * What the generator of the data and the edits need of a database, so that the member scenario runs on each of them. Parameters
 * are written $1, $2, …; the statements are those that every database understands.
 */
export interface Platform {
  rows<T extends object>(sql: string, parameters?: readonly unknown[]): Promise<T[]>
  /** Answers how many rows the statement found. */
  change(sql: string, parameters?: readonly unknown[]): Promise<number>
  /** Adds rows; the columns are those of the first one. */
  insert(table: PlatformTable, rows: readonly object[]): Promise<void>
  /** Makes schema `members_db` and its tables, if they are not there. */
  createSchema(): Promise<void>
  /** A member id that nobody has had. */
  nextMemberId(): Promise<number>
  /** After rows with ids of their own: the next id lies above them. */
  afterSeeding(): Promise<void>
  /** SQL for that many days after a date. */
  later(date: string, days: number): string
  /** All or nothing. */
  inTransaction<T>(work: () => Promise<T>): Promise<T>
  [Symbol.asyncDispose](): Promise<void>
}

/** Runs `work` between two statements of transactions; an error rolls back. */
export async function transaction<T>(query: (sql: string) => Promise<unknown>, work: () => Promise<T>): Promise<T> {
  await query('BEGIN')
  try {
    const result = await work()
    await query('COMMIT')
    return result
  } catch (error) {
    await query('ROLLBACK').catch(() => {})
    throw error
  }
}
