import { keyOf } from '../model/key.ts'
import type { Database } from './sqlite.ts'

/** Which link of the same sync has a record of the target, or takes it over. */
export function hasOf(db: Database, link: number, target: string): number | null {
  const sync = String(db.get('SELECT sync FROM link WHERE id = ?', link)?.['sync'])
  const linked = db.get(`SELECT id FROM link WHERE sync = ? AND b_key = ? AND state = 'linked'`, sync, target)?.['id']
  return linked === undefined ? ownerOf(db, sync, target) : Number(linked)
}

/** Whether a record of the target belongs to a link of the same sync that is deleted. */
export const isDeleted = (db: Database, link: number, target: string): boolean =>
  db.get(
    `SELECT 1 AS one FROM link WHERE sync = (SELECT sync FROM link WHERE id = ?) AND b_key = ? AND state = 'tombstone'`,
    link,
    target,
  ) !== undefined

/**
 * The link that is to have a record of the target: it takes it over, or the record carries its external id, because the answer to its
 * creation is not known yet, or because somebody else has made it.
 */
export function ownerOf(db: Database, sync: string, target: string): number | null {
  const taken = db.get(
    'SELECT id FROM twin WHERE target = ? AND id > 0 AND sync = (SELECT no FROM twin_sync WHERE sync = ?)',
    target,
    sync,
  )
  if (taken !== undefined) return Number(taken['id'])
  const ref = db.get(
    'SELECT ref FROM twin WHERE target = ? AND id < 0 AND sync = (SELECT no FROM twin_sync WHERE sync = ?)',
    target,
    sync,
  )?.['ref']
  if (typeof ref !== 'string' || ref === '') return null
  const standing = `SELECT link.id FROM link JOIN twin ON twin.id = link.id WHERE link.sync = ? AND link.state = 'open'`
  const named =
    db.get(`${standing} AND link.ref = ?`, sync, ref) ??
    // An external id that is simply the key is not stored beside it.
    db.get(`${standing} AND link.ref IS NULL AND link.a_key = ?`, sync, keyOf([ref]))
  return named === undefined ? null : Number(named['id'])
}
